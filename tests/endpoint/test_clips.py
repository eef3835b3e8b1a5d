"""A video at the embedded endpoint: what it sees of it, and what it refuses."""

import base64
import contextlib

import cv2
import numpy as np
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import endpoint
from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint import clips
from fer_helpers.media import mp4
from tests.support.chat import part, request, schema, video_part
from tests.support.media import coded, read_code, write_coded_video


def video(n, size=0):
    return mp4(((number / 10, coded(number)) for number in range(n)), size).data


SHORT = video(6, 32)


@pytest.fixture(scope="module")
def client():
    with endpoint.serve() as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def shares(client, *parts):
    reply = client.chat.completions.create(
        **request(*parts), response_format=schema(SEVEN), logprobs=True, top_logprobs=20
    )
    entry = max(reply.choices[0].logprobs.content, key=lambda entry: len(entry.top_logprobs))
    return {option.token: option.logprob for option in entry.top_logprobs}


def refused(client, *parts):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**request(*parts))
    return caught.value.code, caught.value.body["message"]


@pytest.mark.parametrize(("n", "seen"), [(1, [0]), (5, [0, 1, 2, 3, 4]), (30, [1, 5, 9, 13, 16, 20, 24, 28])])
def test_eight_frames_are_seen_evenly_spaced(n, seen):
    """Of 30 frames the centres of eighths: 1.875, 5.625, 9.375, ..."""
    pictures = [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) for png in clips.frames_of(video(n))]
    assert [read_code(picture) for picture in pictures] == seen


def test_a_video_is_answered_as_its_frames_are_in_one_request(client):
    data = video(30)
    frames = [part(png, detail="low") for png in clips.frames_of(data)]
    assert shares(client, video_part(data)) == shares(client, *frames)


@pytest.mark.parametrize("name", ["a.webm", "a.avi", "a.mkv", "a.mov"])
def test_other_containers_are_read_by_what_is_in_them(tmp_path, name):
    codec = "libvpx" if name == "a.webm" else "libx264"
    path = write_coded_video(tmp_path / name, 9, codec=codec, options={"g": "3"})
    assert len(clips.frames_of(path.read_bytes())) == 8


def test_what_is_no_video_is_refused_in_openais_form(client):
    data = video(20)
    for broken in (b"", b"no video", data[: len(data) // 2], data[: len(data) * 3 // 4], a_picture()):
        code, message = refused(client, video_part(broken))
        assert code == "invalid_video"
        assert message == "The video cannot be used: it is damaged, cut off, or no video."
    damaged = bytearray(data)
    at = data.index(b"mdat") + 400
    damaged[at : at + 300] = bytes(300)
    assert refused(client, video_part(bytes(damaged)))[0] == "invalid_video"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_there_are_frames_or_one_line(draw):
    data = bytearray(SHORT)
    for _ in range(draw.draw(st.integers(1, 12))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(clips.VideoError):
        assert 0 < len(clips.frames_of(bytes(data))) <= 8


def a_picture():
    return cv2.imencode(".png", coded(3))[1].tobytes()


def test_urls_that_are_no_video_data_are_refused(client):
    data = base64.b64encode(video(3)).decode()
    for url, code in (
        ("https://127.0.0.1/clip.mp4", "invalid_video_url"),
        ("file:///etc/passwd", "invalid_video_url"),
        (f"data:image/png;base64,{data}", "invalid_video_url"),
        ("data:video/mp4;base64,###", "invalid_base64"),
    ):
        assert refused(client, {"type": "video_url", "video_url": {"url": url}})[0] == code
    as_picture = {"type": "image_url", "image_url": {"url": f"data:video/mp4;base64,{data}"}}
    assert refused(client, as_picture)[0] == "invalid_image_url"


def test_a_video_opens_no_other_file(tmp_path):
    """Playlists and scripts name further files; only containers of the list that media keeps are opened."""
    path = write_coded_video(tmp_path / "secret.mp4", 9)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n"
    script = f"ffconcat version 1.0\nfile '{path}'\n"
    for text in (playlist, script):
        with pytest.raises(clips.VideoError, match="no video"):
            clips.frames_of(text.encode())


def test_too_many_frames_or_pixels_are_refused_before_all_are_decoded(monkeypatch):
    decoded = []
    real = clips.shots
    monkeypatch.setattr(clips, "shots", lambda *args: (decoded.append(shot) or shot for shot in real(*args)))
    for limit, most in (("MOST_FRAMES", 5), ("MOST_PIXELS", 5 * 96 * 64)):
        decoded.clear()
        with monkeypatch.context() as patch:
            patch.setattr(clips, limit, most)
            with pytest.raises(clips.VideoError, match="it has more than"):
                clips.frames_of(video(20))
        assert len(decoded) == 6
