"""Pictures as a viewer shows them: their colours, their turn, and damage judged by whether the pixels decode."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from fer_helpers.media import Unreadable, can_be_read, decode_picture, open_footage, probe
from tests.support.media import cmyk_profile, coded, grey_profile, read_code, rgb_profile

SKIN = (224, 172, 140)  # sRGB
# The same skin as these spaces code it, and their primaries' XYZ under D50.
P3 = ((215, 174, 144), rgb_profile([(0.5151, 0.2412, -0.0011), (0.292, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)], 2.2))
ADOBE = (
    (210, 171, 140),
    rgb_profile([(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)], 563 / 256),
)


def saved(colour: object, mode: str = "RGB", kind: str = "PNG", size: tuple[int, int] = (32, 24), **more) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **more)  # type: ignore[arg-type]
    return out.getvalue()


def middle(data: bytes) -> list[int]:
    """RGB of the picture's middle pixel."""
    picture = decode_picture(data)
    return picture[picture.shape[0] // 2, picture.shape[1] // 2, ::-1].tolist()


# --- colours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("colour", "profile"), [P3, ADOBE], ids=["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_skin_of_another_colour_space_is_the_skin_it_was(colour, profile, kind):
    options = {"quality": 100} | ({"subsampling": 0} if kind == "JPEG" else {})
    options |= {"lossless": True} if kind == "WEBP" else {"compression": "raw"} if kind == "TIFF" else {}
    lossy = 1 if kind == "AVIF" else 0
    assert middle(saved(colour, kind=kind, icc_profile=profile, **options)) == pytest.approx(SKIN, abs=2 + lossy)


def test_transparent_pictures_keep_profile_and_transparency():
    assert middle(saved((*P3[0], 255), "RGBA", icc_profile=P3[1])) == pytest.approx(SKIN, abs=2)
    assert middle(saved((*P3[0], 0), "RGBA", icc_profile=P3[1])) == [0, 0, 0]


def test_a_grey_profile_is_heeded():
    """Linear light .2140 is sRGB 127.5."""
    assert middle(saved(round(0.214 * 255), "L", icc_profile=grey_profile(1.0))) == pytest.approx([128] * 3, abs=2)


def test_a_printers_profile_is_heeded():
    """A printer whose cyan ink is of the skin's colour: Lab 74.7, 16.6, 24.2 under D50 (Bradford), as bytes."""
    ink = (190, 145, 152)
    data = saved((255, 0, 0, 0), "CMYK", "TIFF", icc_profile=cmyk_profile(ink))
    assert middle(data) == pytest.approx(SKIN, abs=2)


def test_a_profile_that_is_broken_or_of_other_colours_costs_no_picture():
    for profile in (b"no profile", P3[1][:200], grey_profile(1.0)):
        assert middle(saved(SKIN, icc_profile=profile)) == list(SKIN)


def test_only_a_jpeg_in_srgb_is_passed_on(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile, passed in (("none", b"", True), ("srgb", srgb, True), ("p3", P3[1], False)):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(saved(SKIN, kind="JPEG", icc_profile=profile))
        (frame,) = open_footage(path, tmp_path).frames([0])
        assert (frame.jpeg(512) is not None) == passed, name


# --- the turn -------------------------------------------------------------------------------------------

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def with_chunk(png: bytes, kind: bytes, data: bytes, late: bool = False, crc: int | None = None) -> bytes:
    """The PNG with one chunk more, before or after its pixels."""
    at = png.index(b"IEND") - 4 if late else 33
    check = zlib.crc32(kind + data) if crc is None else crc
    return png[:at] + struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check) + png[at:]


def turned_pictures() -> dict[str, bytes]:
    """32 × 24, each to be shown turned clockwise."""
    exif = Image.Exif()
    exif[0x112] = 6
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    xmp = {kind: saved(SKIN, kind=kind, xmp=XMP.encode()) for kind in ("JPEG", "WEBP")}
    return {
        "a.jpg": saved(SKIN, kind="JPEG", exif=exif),
        "b.png": saved(SKIN, exif=exif),
        "c.webp": saved(SKIN, kind="WEBP", exif=exif),
        "d.tiff": saved(SKIN, kind="TIFF", exif=exif),
        "e.png": with_chunk(saved(SKIN), b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"), late=True),
        "f.png": saved(SKIN, pnginfo=text),
        "g.png": with_chunk(saved(SKIN), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode(), late=True),
        "h.jpg": xmp["JPEG"],
        "i.webp": xmp["WEBP"],
    }


@pytest.mark.parametrize("name", turned_pictures())
def test_table_and_frame_agree_on_the_turn(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(turned_pictures()[name])
    found = probe(path, tmp_path)
    (frame,) = open_footage(path, tmp_path).frames([0])
    assert (found.width, found.height) == frame.bgr(0).shape[1::-1] == (24, 32)
    assert frame.jpeg(0) is None


# --- damage ---------------------------------------------------------------------------------------------


def harmless_damage() -> dict[str, bytes]:
    garbage = b"Exif\0\0MM\0\x2a\0\0\0\x08" + b"\xff" * 40
    jpeg, png = saved(SKIN, kind="JPEG"), saved(SKIN)
    return {
        "exif.jpg": jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(garbage) + 2) + garbage + jpeg[2:],
        "exif.png": with_chunk(png, b"eXIf", garbage[6:]),
        "late exif.png": with_chunk(png, b"eXIf", garbage[6:], late=True),
        "checksum.png": with_chunk(png, b"eXIf", garbage[6:], crc=0),
        "text.png": with_chunk(png, b"tEXt", b"no separator", crc=1),
        "exif.webp": saved(SKIN, kind="WEBP", exif=garbage),
        "no IEND.png": png[:-12],
        "no end.jpg": jpeg[:-2],
        "half an end.jpg": jpeg[:-1],
        "something after.jpg": jpeg + bytes(9000),
    }


@pytest.mark.parametrize("name", harmless_damage())
def test_damage_beside_the_pixels_costs_no_clip(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(harmless_damage()[name])
    found = probe(path, tmp_path)
    assert (found.status, found.width, found.height, found.reason) == ("ok", 32, 24, None)
    assert middle(path.read_bytes()) == pytest.approx(SKIN, abs=3)
    lacks = "the JPEG lacks its end marker; its pixels are whole"
    assert found.notes == ((lacks,) if "end." in name else ())


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
def test_missing_pixels_are_no_picture(tmp_path, share, progressive):
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", progressive=progressive)
    path = tmp_path / "a.jpg"
    path.write_bytes(out.getvalue()[: int(share * len(out.getvalue()))])
    with pytest.raises(Unreadable, match="not a picture that can be decoded"):
        decode_picture(path.read_bytes())
    assert probe(path, tmp_path).status == "unreadable"


def test_a_reason_is_the_same_at_each_run():
    for data in (b"no picture", b"", saved(SKIN)[:50], saved(SKIN, kind="WEBP")[:60], saved(SKIN, kind="TIFF")[:99]):
        with pytest.raises(Unreadable) as error:
            decode_picture(data)
        assert " at 0x" not in str(error.value)


# --- animations and other suffixes ----------------------------------------------------------------------

DURATIONS = [40, 80, 200, 40, 1000]  # ms


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.webp", {"lossless": True}), ("a.png", {}), ("a.gif", {}), ("a.avif", {"quality": 90}), ("gif.png", {})],
)
def test_animated_pictures_are_clips_of_frames(tmp_path, name, options):
    images = [Image.fromarray(coded(i)[..., ::-1]) for i in range(5)]
    kind = "GIF" if "gif" in name else name[2:].upper()
    with (tmp_path / name).open("wb") as out:
        images[0].save(out, kind, save_all=True, append_images=images[1:], duration=DURATIONS, **options)
    found = probe(tmp_path / name, tmp_path)
    assert (found.n_frames, found.width, found.height, found.status) == (5, 96, 64, "ok")
    assert found.times.tolist() == pytest.approx([0, 0.04, 0.12, 0.32, 0.36], abs=1e-3)
    assert found.duration_s == pytest.approx(1.36, abs=1e-3)
    assert "animated picture" in found.notes or "variable frame rate" in found.notes
    frames = list(open_footage(tmp_path / name, tmp_path).frames([1, 2, 4]))
    assert [frame.index for frame in frames] == [1, 2, 4] == [read_code(frame.bgr(0)) for frame in frames]
    assert [frame.time_s for frame in frames] == pytest.approx([0.04, 0.12, 0.36], abs=1e-3)


def test_the_picture_for_those_who_cannot_show_an_animation_is_not_in_it(tmp_path):
    images = [Image.fromarray(coded(i)[..., ::-1]) for i in (9, 0, 1, 2)]
    images[0].save(tmp_path / "a.png", save_all=True, append_images=images[1:], duration=100, default_image=True)
    found = probe(tmp_path / "a.png", tmp_path)
    frames = list(open_footage(tmp_path / "a.png", tmp_path).frames(range(4)))
    assert found.n_frames == 3
    assert [read_code(frame.bgr(0)) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.tif", "a.tiff", "a.avif", "a.ppm", "a.PGM"])
def test_other_suffixes_of_pictures(tmp_path, name):
    assert can_be_read(name)
    kind = {"jf": "JPEG", "jp": "JPEG", "ti": "TIFF", "av": "AVIF"}.get(name[2:4], "PPM")
    (tmp_path / name).write_bytes(saved(SKIN, kind=kind))
    assert probe(tmp_path / name, tmp_path).status == "ok"
    assert middle((tmp_path / name).read_bytes()) == pytest.approx(SKIN, abs=4)


@pytest.mark.parametrize("name", ["a.txt", "a.heic", "a.mp3", "a", "mp4"])
def test_what_is_not_read(name):
    assert not can_be_read(name)


@pytest.mark.parametrize(("mode", "level"), [("I;16", 200 * 257), ("L", 200), ("1", 1), ("P", 3), ("LA", (200, 255))])
def test_modes_come_out_as_pillow_shows_them(tmp_path, mode, level):
    image = Image.new(mode, (32, 24), level)  # type: ignore[arg-type]
    out = io.BytesIO()
    image.save(out, "PNG")
    expected = [200] * 3 if mode in ("I;16", "L", "LA") else image.convert("RGB").getpixel((9, 9))
    assert middle(out.getvalue()) == list(expected)
    Path(tmp_path / "a.png").write_bytes(out.getvalue())
    (frame,) = open_footage(tmp_path / "a.png", tmp_path).frames([0])
    assert frame.grey.mean() == pytest.approx(np.dot(expected, [0.299, 0.587, 0.114]), abs=1)
