"""Whether a server takes videos: found out once, by a second of grey, and only where a strategy needs it."""

import asyncio
import io
import json
from dataclasses import replace

import av
import pytest
from aiohttp import web

from fer_helpers.annotation import Access, capabilities, online, plans
from fer_helpers.annotation.archive import Archive
from fer_helpers.errors import EndpointError, ParamsError
from fer_helpers.prompting import planning
from fer_helpers.prompting.planning import Asking
from tests.support.completions import MODEL, good, served_by
from tests.support.dialects import gemini, label_of, llama_cpp, openai, serve, sglang, vllm
from tests.support.plans import frames_of, videos_of

FRAMES, VIDEOS = frames_of({"a": 2, "b": 2, "c": 2}), videos_of(["a", "b", "c"])


def shown(clip, index):
    return f"{clip} {index}".encode()


@pytest.fixture
def archive(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        yield archive


def learned(dialect, archive, monkeypatch, video=True, special=""):
    """What is found out, and the chat requests it took."""
    monkeypatch.setenv("A_KEY", dialect.key or "none")
    with serve(dialect, special) as server:
        to = Access(server.base_url, "A_KEY" if dialect.key else "", 5.0)
        asking = Asking(dialect.model, reasoning_effort="none")
        return capabilities.learn(to, asking, archive, 2, video=video), server


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [(vllm.DIALECT, "video_url"), (sglang.DIALECT, "video_url"), (gemini.DIALECT, "image_url")],
    ids=["vllm", "sglang", "gemini"],
)
def test_a_clip_goes_as_the_server_takes_it(dialect, kind, archive, monkeypatch):
    """The probe's is a grey one; the run's requests hold one video each and get its label."""
    found, probed = learned(dialect, archive, monkeypatch)
    assert found.video
    assert capabilities.described(found).loc["videos sent as"].item() == kind
    (grey,) = {data for one in probed.asked for taken_as, data in one.videos if taken_as == kind}
    with av.open(io.BytesIO(grey)) as file:
        assert abs(next(file.decode(video=0)).to_ndarray(format="bgr24").astype(int) - 128).max() <= 3
    planned = planning.plan(FRAMES, ["whole_clip"], ["seven"], Asking(dialect.model, **found.asking), VIDEOS)
    with serve(dialect) as server:
        to = Access(server.base_url, "A_KEY" if dialect.key else "", 5.0)
        answers = asyncio.run(online.annotate(planned, shown, archive, to))
        again = asyncio.run(online.annotate(planned, shown, archive, to))
    labels = {key: label_of([shown(clip, None)], names) for key, clip, names in
              planned[["key", "clip_id", "labels"]].itertuples(index=False)}  # fmt: skip
    assert dict(zip(answers["key"], answers["label"], strict=True)) == labels
    assert again.equals(answers)
    assert [one.videos[0][0] for one in server.asked] == [kind, kind]


def test_without_need_nothing_is_asked_and_later_only_that(archive, monkeypatch):
    first, before = learned(vllm.DIALECT, archive, monkeypatch, video=False)
    assert not first.video
    assert not any(one.videos for one in before.asked)
    with serve(vllm.DIALECT) as server:
        to, asking = Access(server.base_url), Asking(vllm.DIALECT.model, reasoning_effort="none")
        known = capabilities.learn(to, asking, archive, 2)
        n = len(server.asked)
        found = capabilities.learn(to, asking, archive, 2, video=True)
        assert found == replace(known, video=True)
        assert [len(one.videos) for one in server.asked[n:]] == [1, 0]  # with the video, and as much without
        assert capabilities.learn(to, asking, archive, 2, video=True) == found
        assert len(server.asked) == n + 2


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        (vllm.NO_VIDEO, r"At most 0 video\(s\) may be provided in one prompt"),
        (openai.DIALECT, "Invalid value: 'video_url'"),
        (llama_cpp.DIALECT, "video_url"),
    ],
    ids=["vllm", "openai", "llama.cpp"],
)
def test_a_server_without_videos_ends_the_run_with_one_line(dialect, said, archive, monkeypatch):
    """What it can do besides is kept, and the other strategies go on without being paid for again."""
    with pytest.raises(EndpointError, match=f"takes no videos .*{said}.*leave whole_clip out of strategies") as caught:
        learned(dialect, archive, monkeypatch)
    assert "\n" not in str(caught.value)
    ((_, _, text),) = archive.servers(dialect.model)
    assert json.loads(text)["video"] is False
    assert json.loads(text)["pictures"] == 2


def test_a_server_that_passes_over_the_video_is_found_out(archive):
    """It counts the same tokens whatever is shown: labels of what nobody looked at."""

    async def chat(_):
        return web.json_response(good("positive"))

    with served_by(chat) as url, pytest.raises(EndpointError, match="passes over the video"):
        capabilities.learn(Access(url), Asking(MODEL), archive, video=True)


def test_a_server_that_fails_is_not_taken_for_one_that_refuses(archive):
    async def chat(request):
        body = await request.json()
        parts = [part["type"] for part in body["messages"][0]["content"]]
        return web.json_response(good("positive"), status=503 if "video_url" in parts else 200)

    with served_by(chat) as url, pytest.raises(EndpointError, match=r"fails at a request with a video.*run again"):
        capabilities.learn(Access(url), Asking(MODEL), archive, video=True)


def test_a_cap_needs_to_know_what_a_video_costs(archive):
    planned = planning.plan(FRAMES, ["whole_clip"], ["seven"], Asking("gpt-4o-mini"), VIDEOS)
    with pytest.raises(ParamsError, match="how many tokens a video has is not known"):
        asyncio.run(online.annotate(planned, shown, archive, Access("http://127.0.0.1:9/v1"), max_cost_usd=1.0))


def test_batches_of_videos_wait_for_the_probe(archive):
    from types import SimpleNamespace

    params = SimpleNamespace(
        base_url="http://127.0.0.1:9/v1", api_key_env="", timeout_s=1.0, model="m", reply_form="schema+logprobs",
        strategies=["whole_clip"], taxonomies=["seven"], clip_size=64,
    )  # fmt: skip
    run = SimpleNamespace(params=params, asking=lambda **learned: Asking("m", **learned), read=lambda _: VIDEOS)
    with pytest.raises(EndpointError, match=r"whether http.* takes videos is not known"):
        plans.of_batch(run, FRAMES, archive)
    archive.remember(params.base_url, "m", json.dumps({"video": True}))
    assert len(plans.of_batch(run, FRAMES, archive)) == 2
    params.clip_size = 0
    with pytest.raises(ParamsError, match="set clip_size"):
        plans.of_batch(run, FRAMES, archive)
