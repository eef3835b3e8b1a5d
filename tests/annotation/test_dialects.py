"""Servers people use, each by its fake: found out about, read, and its failures told apart."""

import asyncio
from dataclasses import replace

import pytest

from fer_helpers.annotation import Access, capabilities, online
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.errors import EndpointError
from fer_helpers.prompting import planning
from fer_helpers.prompting.planning import Asking
from tests.support.dialects import DIALECTS, gateway, label_of, llama_cpp, mistral, ollama, openai, serve, vllm
from tests.support.dialects.anywhere import ABRUPT, ENDS, FILTERS
from tests.support.dialects.base import refusal
from tests.support.plans import frames_of

FRAMES = frames_of({f"c{n}": 2 for n in range(4)})


def picture(clip, index):
    return f"{clip} {index}".encode()


@pytest.fixture(autouse=True)
def _key_and_no_wait(monkeypatch):
    monkeypatch.setattr(transport, "_backoff", lambda _: 0.01)


def run(dialect, path, monkeypatch, special="", strategies=("single_frame", "multi_frame"), frames=FRAMES):
    """What was learned, the plan and the answers; the special replies only begin after the server was looked at."""
    if dialect.key or dialect.listing_key:
        monkeypatch.setenv("A_KEY", dialect.key or dialect.listing_key)
    access = lambda url: Access(url, "A_KEY" if dialect.key else "", 5.0)  # noqa: E731
    asking = Asking(dialect.model, reasoning_effort="none")
    with Archive(path) as archive:
        with serve(dialect) as served:
            found = capabilities.learn(access(served.base_url), asking, archive, 2)
        planned = planning.plan(frames, strategies, ["seven"], replace(asking, **found.asking))
        with serve(dialect, special=special) as served:
            answers = asyncio.run(
                online.annotate(planned, picture, archive, access(served.base_url), max_concurrency=2)
            )
    return found, planned, answers, served


def right(planned, answers):
    """The labels that the pictures of each request have, in the order of `answers`."""
    rows = planned.set_index("key").loc[answers["key"]]
    labels = zip(rows["clip_id"], rows["frame_indices"], rows["labels"], strict=True)
    return [label_of([picture(clip, index) for index in indices], names) for clip, indices, names in labels]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_learned_planned_and_read(name, tmp_path, monkeypatch):
    """Each request answered with the label its pictures have, and none asked twice."""
    dialect = DIALECTS[name]
    _, planned, answers, served = run(dialect, tmp_path / "a.sqlite", monkeypatch)
    assert answers["status"].eq("ok").all(), answers["raw"].tolist()
    assert answers["label"].tolist() == right(planned, answers)
    assert len(served.asked) == len(planned) == 8


@pytest.mark.parametrize(
    ("name", "form", "schema", "limit_field"),
    [
        ("openai", "schema+logprobs", "enforced", "max_completion_tokens"),
        ("vllm", "schema+logprobs", "enforced", "max_completion_tokens"),
        ("ollama", "schema+logprobs", "enforced", "max_tokens"),
        ("llama_cpp", "schema+logprobs", "enforced", "max_completion_tokens"),
        ("transformers_serve", "text", "ignored", "max_completion_tokens"),
        ("mistral", "schema", "enforced", "max_tokens"),
    ],
)
def test_what_a_dialect_can_do_is_found_out(name, form, schema, limit_field, tmp_path, monkeypatch):
    found, *_ = run(DIALECTS[name], tmp_path / "a.sqlite", monkeypatch)
    assert (found.form, found.schema, found.limit_field) == (form, schema, limit_field)


def test_fields_that_are_refused_are_left_out_and_said(tmp_path, monkeypatch):
    """Mistral refuses `store` and `max_completion_tokens` with 422 and a list of details."""
    found, _, _, served = run(mistral.DIALECT, tmp_path / "a.sqlite", monkeypatch)
    assert "store" in found.omitted.split()
    assert not {"store", "max_completion_tokens"} & served.fields
    assert "store" in capabilities.described(found).to_string()


def test_a_model_that_takes_one_temperature_gets_none(tmp_path, monkeypatch):
    found, _, answers, served = run(gateway.ONLY_ONE, tmp_path / "a.sqlite", monkeypatch)
    assert "temperature" in found.omitted.split()
    assert "temperature" not in served.fields
    assert answers["status"].eq("ok").all()


def test_log_probabilities_from_before_the_schema_are_said_to_be(tmp_path, monkeypatch):
    before, _, answers, _ = run(vllm.DIALECT, tmp_path / "a.sqlite", monkeypatch)
    after, *_ = run(vllm.PROCESSED, tmp_path / "b.sqlite", monkeypatch)
    assert (before.logprobs, after.logprobs) == ("before the schema", "after the schema")
    assert answers["prob_doubt"].str.contains("contradict").all()
    assert answers.filter(like="prob_angry").isna().all(axis=None)


def test_a_server_that_takes_one_picture_says_so_before_anything_is_sent(tmp_path, monkeypatch):
    with pytest.raises(EndpointError, match=r"takes at most 1 picture\(s\) per request, and 2 are needed"):
        run(vllm.ONE_PICTURE, tmp_path / "a.sqlite", monkeypatch)


def test_a_text_only_server_is_named_with_its_reason(tmp_path, monkeypatch):
    blind = replace(llama_cpp.DIALECT, refuse=llama_cpp.DIALECT.specials["blind"])
    with pytest.raises(EndpointError, match=r"rejected a request with 2 pictures: image input is not supported"):
        run(blind, tmp_path / "a.sqlite", monkeypatch)


def test_a_model_that_only_thinks_stops_at_the_first_look(tmp_path, monkeypatch):
    """300 tokens of reasoning before 64 of a reply are up, and the server takes no notice of reasoning_effort."""
    stubborn = replace(vllm.DIALECT, thinks=300, ignores=frozenset({"reasoning_effort"}))
    thinking = lambda asked, body: {  # noqa: E731
        **body, "usage": {**body["usage"], "completion_tokens_details": {"reasoning_tokens": asked.limit}},
    }  # fmt: skip
    with pytest.raises(EndpointError, match="spent all 64 tokens of its reply on reasoning"):
        run(replace(stubborn, shape=thinking), tmp_path / "a.sqlite", monkeypatch)


def test_what_was_learned_is_remembered_and_travels_with_the_archive(tmp_path):
    asking = Asking(mistral.DIALECT.model)
    with serve(replace(mistral.DIALECT, key="")) as served:
        there = Access(served.base_url)
        with Archive(tmp_path / "a.sqlite") as archive:
            first = capabilities.learn(there, asking, archive)
            asked = len(served.asked)
            assert capabilities.learn(there, asking, archive) == first
            assert len(served.asked) == asked  # nothing was asked again
            archive.put(Entry("k", "ok", "{}", asking.model, 1.0, "2026-01-01"))
            archive.export(tmp_path / "a.parquet")
        with Archive(tmp_path / "b.sqlite") as archive:
            archive.import_(tmp_path / "a.parquet")
            assert capabilities.known(there, asking.model, archive) == first


def test_a_later_run_with_more_pictures_looks_whether_they_are_taken_and_learns_nothing_else(tmp_path):
    asking = Asking(vllm.DIALECT.model)
    with serve(replace(vllm.PROCESSED, max_pictures=3)) as served, Archive(tmp_path / "a.sqlite") as archive:
        there = Access(served.base_url)
        first, before = capabilities.learn(there, asking, archive, 1), len(served.asked)
        assert capabilities.learn(there, asking, archive, 3) == replace(first, pictures=3)
        assert len(served.asked) == before + 1
        with pytest.raises(EndpointError, match="takes at most 3 picture"):
            capabilities.learn(there, asking, archive, 4)
        assert capabilities.known(there, asking.model, archive).asking == first.asking


def test_a_replay_finds_the_replies_of_a_server_without_log_probabilities(tmp_path, monkeypatch):
    """The form is part of the key: with another one none of the paid replies would be found."""
    path = tmp_path / "a.sqlite"
    found, planned, _, _ = run(mistral.DIALECT, path, monkeypatch)
    asking = Asking(mistral.DIALECT.model, reasoning_effort="none")
    plan = lambda one: planning.plan(  # noqa: E731
        FRAMES, ["single_frame", "multi_frame"], ["seven"], replace(asking, **one.asking)
    )
    with Archive(path) as archive:
        assert capabilities.of_replay(asking.model, archive, plan).asking == found.asking
        assert len(online.answered(plan(found), archive)) == len(planned)


@pytest.mark.parametrize("special", ["refusal_in_prose", "cut", "empty", "html"])
def test_nothing_is_concluded_from_a_reply_that_is_none(special, tmp_path):
    """An odd first reply must not make a whole corpus be asked in a worse form."""
    with serve(vllm.PROCESSED, special=special) as served, Archive(tmp_path / "a.sqlite") as archive:
        try:
            found = capabilities.learn(Access(served.base_url, "", 5.0), Asking(vllm.DIALECT.model), archive)
        except EndpointError:
            assert capabilities.known(Access(served.base_url), vllm.DIALECT.model, archive) is None
        else:
            assert found.form == "schema+logprobs"


def test_a_server_that_is_still_loading_is_waited_for(tmp_path):
    with serve(llama_cpp.LOADING) as served, Archive(tmp_path / "a.sqlite") as archive:
        found = capabilities.learn(Access(served.base_url), Asking(llama_cpp.DIALECT.model), archive)
    assert found.form == "schema+logprobs"


def test_a_field_that_is_answered_with_500_is_dropped_and_a_500_in_passing_is_not_believed(tmp_path):
    always = lambda asked: (  # noqa: E731
        refusal(asked, 500, "logprobs are broken") if asked.body.get("logprobs") else None
    )
    with serve(replace(vllm.PROCESSED, refuse=always)) as served, Archive(tmp_path / "a.sqlite") as archive:
        assert capabilities.learn(Access(served.base_url), Asking(vllm.DIALECT.model), archive).form == "schema"
    once = dict.fromkeys((1, 2, 3), "engine_dead")  # the request and the client's two retries
    with serve(vllm.PROCESSED, special=once) as served, Archive(tmp_path / "b.sqlite") as archive:
        found = capabilities.learn(Access(served.base_url), Asking(vllm.DIALECT.model), archive)
    assert found.form == "schema+logprobs"


def test_a_dead_backend_is_named_after_a_few_requests(tmp_path):
    """Behind LiteLLM a dead server took five seconds a request, and the first look asked eighteen times."""
    with (
        serve(gateway.DIALECT, special="dead_backend") as served,
        Archive(tmp_path / "a.sqlite") as archive,
        pytest.raises(EndpointError, match="fails whatever is asked"),
    ):
        capabilities.learn(Access(served.base_url), Asking(gateway.DIALECT.model), archive)
    assert len(served.asked) <= 6


# --- replies ------------------------------------------------------------------------------------------------

WHOLE = [
    "think",
    "fence",
    "one_line_fence",
    "explained",
    "other_case",
    "parts",
    "bad_logprobs",
    "unsure",
    "finish_null",
]


@pytest.mark.parametrize("special", WHOLE)
def test_a_label_in_any_wrapping_is_read(special, tmp_path, monkeypatch):
    _, planned, answers, served = run(vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, special)
    assert answers["status"].eq("ok").all(), answers["raw"].tolist()
    assert answers["label"].tolist() == right(planned, answers)
    assert len(served.asked) == 8  # paid once each


@pytest.mark.parametrize(
    ("special", "status", "attempts"),
    [
        ("doubled_key", "invalid", 1),
        ("two_labels", "invalid", 1),
        ("deep", "invalid", 1),
        ("null_content", "invalid", 1),
        ("refusal_in_prose", "refused", 1),
        ("error_in_200", "error", transport.ATTEMPTS),
        ("no_choices", "error", transport.ATTEMPTS),
        ("empty_choices", "error", transport.ATTEMPTS),
        ("half_null", "error", transport.ATTEMPTS),
        ("html", "error", transport.ATTEMPTS),
        ("cut", "error", transport.ATTEMPTS),
        ("empty", "error", transport.ATTEMPTS),
    ],
)
def test_a_reply_without_a_label_is_a_status(special, status, attempts, tmp_path, monkeypatch):
    """Two requests, too few to say that every one fails."""
    frames = FRAMES[FRAMES["clip_id"].isin(["c0", "c1"])]
    args = (vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, special)
    _, planned, answers, served = run(*args, strategies=["single_frame"], frames=frames)
    assert answers["status"].eq(status).all(), answers["raw"].tolist()
    assert answers["label"].isna().all()
    assert len(served.asked) == attempts * len(planned)


@pytest.mark.parametrize("finish", FILTERS)
def test_a_filter_under_any_name_is_a_filter(finish, tmp_path, monkeypatch):
    _, planned, answers, served = run(vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, f"finish_{finish}")
    assert answers["status"].eq("filtered").all()
    assert len(served.asked) == len(planned)


@pytest.mark.parametrize("finish", ENDS)
def test_a_whole_reply_may_end_in_other_words(finish, tmp_path, monkeypatch):
    _, planned, answers, _ = run(vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, f"finish_{finish}")
    assert answers["label"].tolist() == right(planned, answers)


@pytest.mark.parametrize("finish", ABRUPT)
def test_half_a_reply_is_an_error_and_asked_again(finish, tmp_path, monkeypatch):
    one = FRAMES[FRAMES["clip_id"] == "c0"]
    args = (vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, f"finish_{finish}")
    _, _, answers, served = run(*args, strategies=["single_frame"], frames=one)
    assert answers["status"].tolist() == ["error"]
    assert len(served.asked) == transport.ATTEMPTS


def test_probabilities_that_contradict_the_label_are_none_and_the_label_stays(tmp_path, monkeypatch):
    _, planned, answers, _ = run(vllm.PROCESSED, tmp_path / "a.sqlite", monkeypatch, "contradicting_logprobs")
    assert answers["label"].tolist() == right(planned, answers)
    assert answers["prob_source"].eq("none").all()
    assert answers["prob_doubt"].eq("the log-probabilities contradict the label").all()


# --- ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "special", "message"),
    [
        (openai.DIALECT, "quota", "no quota or money left"),
        (openai.DIALECT, "billing", "no quota or money left"),
        (openai.DIALECT, "hard_limit", "no quota or money left"),
        (openai.DIALECT, "per_day", "returns status 429 for every request: .*per day"),
        (openai.DIALECT, "region", "returns status 403 for every request: Country, region"),
        (DIALECTS["openrouter"], "poor", "no quota or money left"),
        (DIALECTS["litellm"], "budget", "no quota or money left"),
    ],
)
def test_what_is_true_of_the_account_ends_the_run_at_once(dialect, special, message, tmp_path, monkeypatch):
    with pytest.raises(EndpointError, match=message):
        run(dialect, tmp_path / "a.sqlite", monkeypatch, special)


@pytest.mark.parametrize(
    ("dialect", "special", "status"),
    [
        (openai.DIALECT, {1: "too_large"}, "error"),
        (openai.DIALECT, {1: "invalid_prompt"}, "filtered"),
        (openai.DIALECT, {1: "bad_picture"}, "error"),
        (DIALECTS["openrouter"], {1: "moderated"}, "filtered"),
        (DIALECTS["azure"], {1: "filtered"}, "filtered"),
    ],
)
def test_what_is_true_of_a_request_costs_that_request_alone(dialect, special, status, tmp_path, monkeypatch):
    _, planned, answers, served = run(dialect, tmp_path / "a.sqlite", monkeypatch, special)
    assert sorted(answers["status"]) == sorted([status, *["ok"] * 7])
    assert len(served.asked) == len(planned)


def test_a_dead_backend_ends_the_run_with_its_reason(tmp_path, monkeypatch):
    """A gateway's 502 for everything: five requests given up are enough, however many are left."""
    many = frames_of({f"c{n}": 1 for n in range(40)})
    with pytest.raises(
        EndpointError, match=r"5 requests to .* failed in the same way, with no answer in between: .*run again"
    ):
        run(gateway.DIALECT, tmp_path / "a.sqlite", monkeypatch, "dead_backend", ["single_frame"], many)


def test_a_slow_server_of_one_slot_loses_nothing(tmp_path, monkeypatch):
    """Time-outs cut the concurrency as refusals do."""
    slow = replace(ollama.DIALECT, slots=1, seconds=0.4)
    ten = frames_of({f"c{n}": 1 for n in range(10)})
    planned = planning.plan(ten, ["single_frame"], ["seven"], Asking(slow.model))
    with serve(slow) as served, Archive(tmp_path / "a.sqlite") as archive:
        there = Access(served.base_url, "", 1.0)
        answers = asyncio.run(online.annotate(planned, picture, archive, there, max_concurrency=8))
    assert answers["status"].eq("ok").all(), answers["raw"].tolist()
