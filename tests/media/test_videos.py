"""Videos as their decoder shows them: every picture in order with its own time, whatever the packets look like."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fer_helpers.media import Probe, open_footage, probe, videos
from tests.support.media import coded, read_code, remuxed, replaced, write_coded_video, write_levels, write_video

N = 12


@pytest.fixture(scope="module")
def h264(tmp_path_factory) -> Path:
    """Closed groups of four frames, with B-frames."""
    return write_coded_video(tmp_path_factory.mktemp("h264") / "a.mp4", N, options={"bf": "1", "g": "4"})


@pytest.fixture(scope="module")
def intra(tmp_path_factory) -> Path:
    return write_coded_video(tmp_path_factory.mktemp("intra") / "a.mp4", N, options={"bf": "0", "g": "1"})


def read(path: Path) -> tuple[Probe, list[int], list[float]]:
    """What is known of the video beforehand, the codes its frames show, and their times; indices are consecutive."""
    shots = list(videos.shots(path, []))
    assert [shot.index for shot in shots] == list(range(len(shots)))
    found = probe(path, path.parent)
    assert found.status == "ok", found.reason
    assert found.n_frames == len(shots)
    assert found.times.tolist() == pytest.approx([shot.time_s for shot in shots], abs=1e-6)
    assert (np.diff(found.times) >= 0).all()
    return found, [read_code(shot.bgr(0)) for shot in shots], [shot.time_s for shot in shots]


def stamped(pts: int | None, packet: av.Packet, dts: int | None = None) -> list[av.Packet]:
    packet.pts, packet.dts = pts, pts if dts is None else dts
    return [packet]


# --- time stamps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_all_stamps_zero(intra, tmp_path, name):
    found, codes, times = read(remuxed(intra, tmp_path / name, lambda _, packet: stamped(0, packet)))
    assert codes == list(range(N))
    assert times == [0.0] * N
    assert found.fps is None
    assert f"{N - 1} frames have the time stamp of the one before" in found.notes
    assert probe(tmp_path / name, tmp_path).reason is None
    middle = open_footage(tmp_path / name, tmp_path).frames([N // 2])
    assert [read_code(frame.bgr(0)) for frame in middle] == [N // 2]


def test_some_stamps_equal(intra, tmp_path):
    at = [0, 40, 40, 40, 80, 120, 120, 160, 200, 240, 280, 280]  # ms

    def equal(number: int, packet: av.Packet) -> list[av.Packet]:
        packet.time_base = Fraction(1, 1000)
        return stamped(at[number], packet)

    found, codes, times = read(remuxed(intra, tmp_path / "a.mkv", equal))
    assert codes == list(range(N))
    assert times == pytest.approx([t / 1000 for t in at])
    assert "4 frames have the time stamp of the one before" in found.notes


def test_takes_joined_whose_stamps_start_anew(intra, tmp_path):
    """An index of time that goes back cannot be written by a muxer: a transport stream is joined byte by byte."""
    take = remuxed(intra, tmp_path / "take.ts", lambda _, packet: [packet])
    (tmp_path / "a.ts").write_bytes(take.read_bytes() * 2)
    _, codes, times = read(tmp_path / "a.ts")
    assert codes == [*range(N), *range(N)]
    assert times == pytest.approx(np.arange(2 * N) / 25, abs=1e-4)


def test_stamps_in_the_order_of_storing_do_not_move_a_frame(h264, tmp_path):
    """B-frames in a file whose presentation stamps are those of decoding: order is the decoder's."""
    _, codes, _ = read(remuxed(h264, tmp_path / "a.mkv", lambda i, packet: stamped(i * 512, packet)))
    assert codes == list(range(N))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_missing_stamps(tmp_path, codec):
    """AVI numbers what is stored; with B-frames that is not the order of showing."""
    _, codes, times = read(write_coded_video(tmp_path / "a.avi", N, codec=codec, options={"bf": "2"}))
    assert codes == list(range(N))
    assert times == pytest.approx(np.arange(N) / 25, abs=1e-6)


@pytest.mark.parametrize(("start", "expected"), [(25600, "2.000 s after"), (128, "0.010 s after")])
def test_an_odd_start_is_a_note_and_time_runs_from_the_first_frame(intra, tmp_path, start, expected):
    video = remuxed(
        intra, tmp_path / "a.mkv", lambda _, p: stamped(p.pts + start, p), {"avoid_negative_ts": "disabled"}
    )
    found, codes, times = read(video)
    assert codes == list(range(N))
    assert times == pytest.approx(np.arange(N) / 25, abs=2e-3)
    late = start / 12800 > 1 / 25
    assert found.notes == ((f"the first frame is shown {expected} the file's start",) if late else ())


def test_an_even_rate_is_no_variable_one_and_a_pause_is(intra, tmp_path):
    even = remuxed(intra, tmp_path / "even.mkv", lambda i, p: stamped(i * 427, p))  # 29.98 a second, in whole ms
    paused = remuxed(intra, tmp_path / "pause.mkv", lambda i, p: stamped(i * 427 + 4270 * (i > 5), p))
    assert read(even)[0].notes == ()
    assert read(paused)[0].notes == ("variable frame rate",)


# --- pictures that do not come out ----------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "bit"), [("libvpx", 0x10), ("libvpx-vp9", 0x02)])
def test_hidden_pictures_are_not_counted(tmp_path, codec, bit):
    """The bit that shows a picture (VP8: RFC 6386, 9.1; VP9, a key frame: bitstream 6.2) taken from two of them."""
    whole = write_coded_video(tmp_path / "whole.webm", N, codec=codec, options={"g": "0"})

    def hide(number: int, packet: av.Packet) -> list[av.Packet]:
        data = bytearray(bytes(packet))
        assert data[0] & bit
        data[0] ^= bit if number in (3, 7) else 0
        return [replaced(packet, bytes(data))]

    found, codes, times = read(remuxed(whole, tmp_path / "a.webm", hide))
    shown = [i for i in range(N) if i not in (3, 7)]
    assert codes == shown
    assert times == pytest.approx([i / 25 for i in shown], abs=1e-3)
    assert found.reason is None


def test_not_coded_pictures_are_not_counted(tmp_path):
    """MPEG-4 part 2: a picture's header with vop_coded 0 and nothing else, twice, between others."""
    whole = write_coded_video(tmp_path / "whole.avi", N, codec="mpeg4", options={"bf": "0"})
    empty = b"\x00\x00\x01\xb6" + bytes([0b01010000, 0b11001111])  # P, no second, 5 bits of time, not coded

    def with_empty(number: int, packet: av.Packet) -> list[av.Packet]:
        shift = sum(number >= at for at in (4, 8))
        moved = replaced(packet, bytes(packet))
        stamped(number + shift, moved)
        return [*stamped(number + shift - 1, replaced(packet, empty)), moved] if number in (4, 8) else [moved]

    for name in ("a.avi", "a.mp4"):
        found, codes, times = read(remuxed(whole, tmp_path / name, with_empty))
        assert codes == list(range(N))
        assert times == pytest.approx([(i + (i >= 4) + (i >= 8)) / 25 for i in range(N)], abs=1e-3)
        assert found.reason is None


@pytest.mark.parametrize(
    ("codec", "options", "name"),
    [
        ("libx264", {"bf": "0", "g": "4"}, "a.mp4"),
        ("libx264", {"bf": "0", "g": "4"}, "a.ts"),
        ("libx265", {"x265-params": "keyint=4:min-keyint=4:bframes=0:log-level=none"}, "a.mkv"),
        ("libvpx-vp9", {"g": "4"}, "a.webm"),
        ("libvpx", {"g": "4"}, "a.mkv"),
    ],
)
def test_frames_before_the_first_key_frame(tmp_path, codec, options, name):
    """The first key frame cut off: frames 1-3 cannot come out, and it is said that the beginning is lost."""
    whole = write_coded_video(tmp_path / f"whole{Path(name).suffix}", N, codec=codec, options=options)
    found, codes, times = read(remuxed(whole, tmp_path / name, lambda i, packet: [packet] if i else []))
    assert codes == list(range(4, N))
    assert times == pytest.approx(np.arange(N - 4) / 25, abs=2e-3)
    assert found.reason == "the beginning is lost: 3 frames lack the key frame they need"


def test_an_open_group_whose_beginning_is_cut_off(tmp_path):
    """HEVC: the pictures before the second key frame in order of showing need the first group."""
    options = {"x265-params": "keyint=6:min-keyint=6:bframes=2:b-adapt=0:scenecut=0:open-gop=1:log-level=none"}
    whole = write_coded_video(tmp_path / "whole.mp4", 24, codec="libx265", options=options)
    with av.open(str(whole)) as container:
        second = [i for i, packet in enumerate(container.demux(video=0)) if packet.size and packet.is_keyframe][1]
    cut = remuxed(whole, tmp_path / "a.mkv", lambda i, packet: [packet] if i >= second else [])
    found, codes, _ = read(cut)
    assert codes == list(range(codes[0], 24))
    assert found.reason is not None
    assert found.reason.startswith("the beginning is lost: ")


# --- ends, edit lists, other streams --------------------------------------------------------------------


def test_an_edit_list_is_no_loss(h264, tmp_path):
    """Trimmed to begin in the second group: the frames before it are in the file and are not shown."""

    def trimmed(_: int, packet: av.Packet) -> list[av.Packet]:
        return stamped(packet.pts - 512 * 6, packet, packet.dts - 512 * 6)

    video = remuxed(h264, tmp_path / "a.mp4", trimmed, {"avoid_negative_ts": "disabled", "use_editlist": "1"})
    found, codes, times = read(video)
    assert codes == list(range(6, N))
    assert times == pytest.approx(np.arange(N - 6) / 25, abs=1e-6)
    assert found.reason is None


def test_the_lost_end_is_named(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (N, 64, 96, 3), np.uint8)
    whole = write_video(tmp_path / "a.mp4", list(noise), options={"g": "1"}, container={"movflags": "faststart"})
    whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.7)])
    found = probe(whole, tmp_path)
    assert found.n_frames in range(6, N)
    assert found.reason == f"the end is lost: the file holds {found.n_frames} of the {N} frames it lists"


def test_a_cover_is_no_video(tmp_path):
    """An MP4 audio file with a picture, as a music shop sells it."""
    cover = tmp_path / "cover.mp4"
    with av.open(str(cover), "w") as out:
        sound = out.add_stream("aac", rate=44100)
        picture = out.add_stream("mjpeg", rate=25)
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 44100, 0
        for packet in picture.encode(av.VideoFrame.from_ndarray(coded(1), "bgr24")):
            out.mux(packet)
        out.mux(sound.encode(frame))
        out.mux(sound.encode())
    found = probe(cover, tmp_path)
    assert found.status == "unreadable"
    assert found.reason == "the file has no video, only an attached picture such as a cover"


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "named"),
    [
        (".wmv", "wmv2", "yuv420p", "Windows Media (WMV) file named .mp4"),
        (".gif", "gif", "rgb8", "GIF file named .mp4"),
        (".avi", "mpeg4", "yuv420p", "AVI file named .mp4"),
    ],
)
def test_a_file_named_for_what_it_is_not_is_read_and_named(tmp_path, suffix, codec, pixels, named):
    write_coded_video(tmp_path / f"a{suffix}", 5, codec=codec, pixels=pixels, options={})
    (tmp_path / f"a{suffix}").rename(tmp_path / "a.mp4")
    found, codes, _ = read(tmp_path / "a.mp4")
    assert codes == list(range(5))
    assert named in found.notes


@pytest.mark.parametrize(
    ("data", "what"), [(b"\xff\xd8\xff\xe0", "a JPEG picture"), (b"<!DOCTYPE html>", "a web page"), (b"%PDF-", "a PDF")]
)
def test_what_is_no_video_is_named(tmp_path, data, what):
    (tmp_path / "a.mp4").write_bytes(data + bytes(500))
    found = probe(tmp_path / "a.mp4", tmp_path)
    assert found.status == "unreadable"
    assert str(found.reason).endswith(f"; it looks like {what}")


def test_interlaced_is_a_note(tmp_path):
    write_coded_video(tmp_path / "a.mts", N, options={"x264-params": "interlaced=1:bframes=2"})
    found, codes, _ = read(tmp_path / "a.mts")
    assert codes == list(range(N))
    assert found.notes == ("interlaced: frames may show two moments at once",)


# --- colours --------------------------------------------------------------------------------------------

SKIN = (224, 172, 140)  # sRGB
LUMA = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}  # of red and blue


def planes(red: float, green: float, blue: float, matrix: str, bits: int, full: bool) -> list[float]:
    """Code values of Y, Cb and Cr of a signal of 0-1 (ITU-R BT.601, BT.709, BT.2020)."""
    of_red, of_blue = LUMA[matrix]
    y = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = [(blue - y) / (2 - 2 * of_blue), (red - y) / (2 - 2 * of_red)]
    unit, most = 2 ** (bits - 8), 2**bits - 1
    if full:
        return [most * y, *(128 * unit + most * c for c in chroma)]
    return [(16 + 219 * y) * unit, *((128 + 224 * c) * unit for c in chroma)]


def shown(path: Path) -> list[int]:
    return next(videos.shots(path, [])).bgr(0)[30, 30, ::-1].tolist()


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_matrix_and_range_are_heeded(tmp_path, matrix, full, bits):
    levels = planes(*(v / 255 for v in SKIN), matrix, bits, full)
    tags = {"colorspace": matrix, "color_range": "pc" if full else "tv"}
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    video = write_levels(tmp_path / "a.mp4", levels, pixels, **tags)
    assert shown(video) == pytest.approx(SKIN, abs=2)
    assert probe(video, tmp_path).notes == ()


def in_bt2020(rgb: tuple[int, ...]) -> np.ndarray:
    """An sRGB colour as linear light in BT.2020's primaries (ITU-R BT.2087)."""
    code = np.array(rgb) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]) @ light


def pq(light: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, with white at 203 cd/m² (ITU-R BT.2408)."""
    y = (light * 203 / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(light: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100 for a screen of 1000 cd/m², with white at 203 cd/m²."""
    screen = light * 0.203
    scene = screen * (screen @ [0.2627, 0.678, 0.0593]) ** (-0.2 / 1.2)
    bright = 0.17883277 * np.log(np.maximum(12 * scene, 1) - 0.28466892) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


@pytest.mark.parametrize(("transfer", "curve", "name"), [("smpte2084", pq, "PQ"), ("arib-std-b67", hlg, "HLG")])
@pytest.mark.parametrize("colour", [SKIN, (128, 128, 128), (60, 40, 35), (200, 60, 60)])
def test_hdr_is_tone_mapped_and_said_to_be(tmp_path, transfer, curve, name, colour):
    levels = planes(*curve(in_bt2020(colour)), "bt2020nc", 10, False)
    tags = {"color_trc": transfer, "color_primaries": "bt2020", "colorspace": "bt2020nc", "color_range": "tv"}
    video = write_levels(tmp_path / "a.mp4", levels, **tags)
    assert shown(video) == pytest.approx(colour, abs=2)
    assert probe(video, tmp_path).notes == (f"HDR ({name}), tone-mapped to sRGB",)


def test_light_brighter_than_white_keeps_its_order(tmp_path):
    """PQ of 100, 203, 400, 700 and 1000 cd/m²: the peak is white, and nothing below it is."""
    greys = []
    for nits in (100, 203, 400, 700, 1000):
        levels = planes(*pq(np.full(3, nits / 203)), "bt2020nc", 10, False)
        tags = {"color_trc": "smpte2084", "color_primaries": "bt2020", "colorspace": "bt2020nc", "color_range": "tv"}
        greys.append(shown(write_levels(tmp_path / f"{nits}.mp4", levels, **tags))[1])
    assert greys[0] == pytest.approx(184, abs=2)  # 100/203 of white's light
    assert greys == sorted(set(greys))
    assert greys[-1] == pytest.approx(255, abs=1)


def test_a_wide_gamut_is_converted_and_said_to_be(tmp_path):
    """BT.2020 without HDR, with BT.1886's curve; what is not converted comes out as (199, 166, 135)."""
    levels = planes(*in_bt2020(SKIN) ** (1 / 2.4), "bt2020nc", 10, False)
    tags = {"color_trc": "bt2020-10", "color_primaries": "bt2020", "colorspace": "bt2020nc", "color_range": "tv"}
    video = write_levels(tmp_path / "a.mp4", levels, **tags)
    code = np.array(SKIN) / 255
    light = ((code + 0.055) / 1.055) ** 2.4
    assert shown(video) == pytest.approx((255 * light ** (1 / 2.4)).tolist(), abs=3)
    assert probe(video, tmp_path).notes == ("BT.2020 colours, converted to sRGB",)
