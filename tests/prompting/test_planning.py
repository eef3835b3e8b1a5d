"""Requests: what is sent, what names it, and what the plan counts."""

import cv2
import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.prompting import content, planning, pricing, prompts
from fer_helpers.prompting.planning import Asking
from tests.support.plans import frames_of

ALL = ["single_frame", "per_frame", "majority_vote", "soft_vote", "multi_frame"]


FRAMES = frames_of({"a": 5, "b": 2})


def row_of(asking=None, strategy="multi_frame", taxonomy="seven", clips=None):
    """The only row of a plan for one clip of two frames."""
    planned = planning.plan(
        frames_of({"a": 2}) if clips is None else clips, [strategy], [taxonomy], asking or Asking("m")
    )
    return planned.iloc[0]


URLS = ["data:image/jpeg;base64,AA==", "data:image/jpeg;base64,BB=="]


def test_nothing_but_words_and_pictures_is_sent():
    body = planning.body_of(row_of(), URLS)
    text, *images = body["messages"][0]["content"]
    assert [image["image_url"]["url"][-4:] for image in images] == ["AA==", "BB=="]
    assert "2 key frames" in text["text"]
    assert all(label in text["text"] for label in SEVEN)
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["properties"]["label"]["enum"] == list(SEVEN)
    assert schema["schema"]["additionalProperties"] is False
    assert body["store"] is False
    assert "reasoning_effort" not in body


def test_a_server_gets_only_what_it_can_do():
    assert {"response_format", "logprobs"} <= planning.body_of(row_of(), URLS).keys()
    plain = planning.body_of(row_of(Asking("m", form="text")), URLS)
    assert not {"response_format", "logprobs", "top_logprobs"} & plain.keys()
    asked_for = 'Reply with JSON and nothing else: {"label": "...", "confidence": 0.0 to 1.0}'
    assert asked_for in plain["messages"][0]["content"][0]["text"]
    schema = planning.body_of(row_of(Asking("m", form="schema")), URLS)
    assert "logprobs" not in schema
    assert schema["response_format"]["json_schema"]["schema"]["required"] == ["label", "confidence"]


def test_reasons_come_before_the_label():
    """A strict schema is filled in its own order, so reasons given after the label would explain nothing."""
    body = planning.body_of(row_of(Asking("m", prompt="reasoning", reasoning_effort="none")), URLS)
    assert list(body["response_format"]["json_schema"]["schema"]["properties"]) == ["reasoning", "label"]
    assert (body["max_completion_tokens"], body["reasoning_effort"]) == (400, "none")


@pytest.mark.parametrize("prompt", prompts.PROMPTS)
@pytest.mark.parametrize("labels", [SEVEN, TERNARY])
def test_every_prompt_is_filled_in(prompt, labels):
    words = prompts.text(prompt, labels, 3)
    assert "{" not in words
    assert ", ".join(labels) in words
    assert "3 key frames" in words


def test_one_picture_is_not_called_several():
    assert "one key frame" in prompts.text("labels", TERNARY, 1)


CHANGES = [
    Asking("other"),
    Asking("m", prompt="definitions"),
    Asking("m", detail="high"),
    Asking("m", form="text"),
    Asking("m", temperature=1.0),
    Asking("m", reasoning_effort="none"),
]


@pytest.mark.parametrize("asking", CHANGES, ids=str)
def test_whatever_changes_the_request_changes_its_key(asking):
    assert row_of(asking)["key"] != row_of()["key"]


def test_pictures_and_their_order_make_the_key():
    row = row_of()
    keys = {planning.key_of(row, pictures) for pictures in (["h1", "h2"], ["h2", "h1"], ["h1"])}
    assert len(keys) == 3
    assert row_of(taxonomy="ternary")["key"] != row["key"]


def test_the_key_does_not_depend_on_where_the_picture_lies():
    """Another run's folder or clip name: the same request, answered from the archive."""
    moved = frames_of({"a": 2}).assign(clip_id="z", path="elsewhere.jpg")
    assert row_of(clips=moved)["key"] == row_of()["key"]


def test_a_changed_prompt_changes_the_key(monkeypatch):
    before = row_of()["key"]
    monkeypatch.setitem(prompts.PROMPTS, "labels", prompts.Prompt("Another wording: {pictures} {labels}"))
    planning._text_tokens.cache_clear()
    assert row_of()["key"] != before


def test_replicates_are_requests_of_their_own():
    planned = planning.plan(FRAMES, ["self_consistency"], ["seven"], Asking("m", replicates=3, temperature=1.0))
    assert planned["replicate"].tolist() == [0, 1, 2] * 2
    assert planned["key"].is_unique
    once = planning.plan(FRAMES, ["multi_frame"], ["seven"], Asking("m", temperature=1.0))
    assert set(once["key"]) <= set(planned["key"])  # what was asked once is not asked again for more replicates


def test_shuffled_labels_are_all_there_and_drawn_by_seed():
    def orders(seed):
        planned = planning.plan(FRAMES, ["per_frame"], ["seven"], Asking("m", label_order="shuffled", seed=seed))
        return [tuple(labels) for labels in planned["labels"]]

    assert all(sorted(order) == sorted(SEVEN) for order in orders(1))
    assert len(set(orders(1))) > 1  # drawn per request
    assert orders(1) == orders(1) != orders(2)


@pytest.mark.parametrize("order", ["shuffled", "rotated:3"])
def test_words_and_schema_name_the_labels_in_the_order_drawn(order):
    row = row_of(Asking("m", label_order=order))
    body = planning.body_of(row, URLS)
    assert ", ".join(row["labels"]) in body["messages"][0]["content"][0]["text"]
    assert body["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"] == row["labels"]


def test_rotations_name_every_label_once_in_every_place():
    orders = [row_of(Asking("m", label_order=f"rotated:{k}"))["labels"] for k in range(7)]
    assert orders[2] == ["fear", "happy", "neutral", "sad", "surprise", "angry", "disgust"]
    assert [sorted(place) for place in zip(*orders, strict=True)] == [sorted(SEVEN)] * 7


def test_a_rotation_by_none_is_the_fixed_order_and_asks_nothing_new():
    fixed = row_of(Asking("m"))["key"]
    assert fixed == "44d7920168a12049bf434766ce0c300465191dbf83bb8d892b9a3bdb97c9b929"  # as before there were rotations
    assert row_of(Asking("m", label_order="rotated:0"))["key"] == fixed
    assert len({row_of(Asking("m", label_order=f"rotated:{k}"))["key"] for k in range(7)}) == 7
    three = [row_of(Asking("m", label_order=f"rotated:{k}"), taxonomy="ternary")["key"] for k in range(7)]
    assert len(set(three)) == 3
    assert three[3] == three[0]


def test_a_repeat_asks_the_same_words_under_keys_of_its_own():
    once, again = (
        planning.plan(FRAMES, ["single_frame", "multi_frame"], ["seven"], Asking("m", repeat=n)) for n in (0, 1)
    )
    pd.testing.assert_frame_equal(once.drop(columns=["key", "replicate"]), again.drop(columns=["key", "replicate"]))
    assert not set(once["key"]) & set(again["key"])
    for strategy in ("single_frame", "multi_frame"):
        assert len(planning.needed_by(strategy, again, FRAMES)) == 2


def test_repeats_of_replicates_do_not_overlap():
    both = ["multi_frame", "self_consistency"]
    plans = [
        planning.plan(FRAMES, both, ["seven"], Asking("m", replicates=3, temperature=1.0, repeat=n)) for n in (0, 1)
    ]
    assert [plan["replicate"].unique().tolist() for plan in plans] == [[0, 1, 2], [3, 4, 5]]
    assert planning.needed_by("multi_frame", plans[1], FRAMES)["replicate"].tolist() == [3, 3]
    assert len(planning.needed_by("self_consistency", plans[1], FRAMES)) == 6


def test_strategies_share_requests():
    """Five frames: five single requests and one together, each under two taxonomies."""
    planned = planning.plan(FRAMES, ALL, ["seven", "ternary"], Asking("gpt-4o-mini"))
    assert len(planned) == (5 + 1) * 2 + (2 + 1) * 2
    assert planned["key"].is_unique


def test_single_frame_alone_needs_one_request():
    planned = planning.plan(FRAMES, ["single_frame"], ["seven"], Asking("gpt-4o-mini"))
    assert planned[["clip_id", "frame_indices"]].to_numpy().tolist() == [["a", [6]], ["b", [3]]]


def test_a_clip_without_frames_has_no_request():
    frames = FRAMES.assign(status=["ok"] * 5 + ["no_face"] * 2)
    assert set(planning.plan(frames, ALL, ["seven"], Asking("gpt-4o-mini"))["clip_id"]) == {"a"}
    none = planning.plan(frames.assign(status="unreadable"), ALL, ["seven"], Asking("gpt-4o-mini"))
    assert len(none) == 0


def test_tokens_are_pictures_and_words():
    """gpt-4o-mini charges 2,833 tokens for a picture at low detail."""
    planned = planning.plan(FRAMES, ["multi_frame"], ["seven"], Asking("gpt-4o-mini"))
    assert planned["tokens_image"].tolist() == [5 * 2833, 2 * 2833]
    words = pricing.text_tokens("gpt-4o-mini", prompts.text("labels", SEVEN, 5))
    assert planned["tokens_in"].iloc[0] == 5 * 2833 + words
    price = (planned["tokens_in"].iloc[0] * 0.15 + planning.TOKENS_OUT["label"] * 0.60) / 1e6
    assert planned["cost_usd"].iloc[0] == pytest.approx(price)


def test_the_plan_counts_shared_requests_once():
    planned = planning.plan(FRAMES, ALL, ["seven"], Asking("gpt-4o-mini"))
    single = planning.needed_by("single_frame", planned, FRAMES)["key"]
    plan = planning.summary(planned, FRAMES, ALL, known=set(single))
    assert plan["requests"].to_dict() == {
        "single_frame": 2,
        "per_frame": 7,
        "majority_vote": 7,
        "soft_vote": 7,
        "multi_frame": 2,
        "all together": 9,
    }
    assert plan["in archive"].to_dict() == {
        "single_frame": 2,
        "per_frame": 2,
        "majority_vote": 2,
        "soft_vote": 2,
        "multi_frame": 0,
        "all together": 2,
    }
    assert plan.loc["all together", "pictures"] == 7 + 7
    assert plan.loc["all together", "US$ as a batch"] == pytest.approx(plan.loc["all together", "US$"] / 2)


def test_an_unknown_price_is_not_zero():
    planned = planning.plan(FRAMES, ["single_frame"], ["seven"], Asking("a-model-nobody-priced"))
    assert planned["cost_usd"].isna().all()
    assert planning.summary(planned, FRAMES, ["single_frame"])["US$"].isna().all()


def test_a_users_prices_and_picture_rules_reach_the_plan(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "prices: {m: {date: '2026-11', input: 1000000, output: 0}}\n"
        "images: {m: {date: '2026-11', tiles: {base: 100, tile: 0}}}\n"
    )
    asking = Asking("m", prices=pricing.book(tmp_path / "mine.yaml"))
    planned = planning.plan(FRAMES, ["multi_frame"], ["seven"], asking)
    assert (planned["tokens_image"] == 100 * planned["frame_indices"].map(len)).all()
    assert (planned["cost_usd"] == planned["tokens_in"]).all()


def test_only_who_pools_them_pays_for_replicates():
    asking = Asking("m", replicates=3, temperature=1.0)
    planned = planning.plan(FRAMES, ["per_frame", "self_consistency"], ["seven"], asking)
    assert planned.groupby(planned["frame_indices"].map(len))["replicate"].max().to_dict() == {1: 0, 2: 2, 5: 2}


def test_a_mosaic_is_one_picture_and_another_request():
    planned = planning.plan(FRAMES, ["multi_frame", "mosaic"], ["seven"], Asking("gpt-4o-mini"))
    a = planned[planned["clip_id"] == "a"].set_index("mosaic")
    assert a["tokens_image"].to_dict() == {False: 5 * 2833, True: 2833}
    assert a["key"].is_unique
    one = planning.plan(frames_of({"a": 1}), ["multi_frame", "mosaic"], ["seven"], Asking("m"))
    assert one["mosaic"].tolist() == [False]  # of one frame there is nothing to put together


def test_a_mosaic_is_sent_as_one_picture_with_the_words_that_say_so():
    row = planning.plan(frames_of({"a": 2}), ["mosaic"], ["seven"], Asking("m")).iloc[0]
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    urls = content.urls_of(row, lambda clip_id, index: jpeg)
    assert len(urls) == 1
    words, picture = planning.body_of(row, urls)["messages"][0]["content"]
    assert "one picture with 2 key frames" in words["text"]
    assert picture["image_url"]["url"] == urls[0]


def answered(planned, **shares):
    """An ok answer happy for each request, with this probability by clip."""
    rows = [
        {
            "key": row.key,
            "status": "ok" if row.clip_id in shares else "refused",
            "label": "happy" if row.clip_id in shares else None,
            "prob_happy": shares.get(row.clip_id),
            "model_requested": "m",
            "created": "2026-01-01T00:00:00+00:00",
        }
        for row in planned.itertuples()
    ]
    return tables.check("answers", pd.DataFrame(rows))


def test_a_cascade_asks_again_only_about_the_unsure():
    frames = frames_of({"a": 3, "b": 3, "c": 3})
    planned = planning.plan(frames, ["cascade"], ["seven"], Asking("m"))
    assert len(planned) == 6  # at most
    first = planning.due(planned, frames, ["cascade"])
    assert first["frame_indices"].tolist() == [[3]] * 3
    both = planning.due(planned, frames, ["cascade"], answered(first, a=0.5, b=0.6), below=0.6)
    more = both[~both["key"].isin(first["key"])]
    assert more["clip_id"].tolist() == ["a", "c"]  # unsure, and refused
    assert more["frame_indices"].tolist() == [[0, 3, 6]] * 2


def test_what_another_strategy_asks_is_due_at_once():
    planned = planning.plan(FRAMES, ["cascade", "multi_frame"], ["seven"], Asking("m"))
    assert len(planning.due(planned, FRAMES, ["cascade", "multi_frame"])) == len(planned)


def test_the_plan_counts_a_cascade_at_most():
    planned = planning.plan(FRAMES, ["cascade"], ["seven"], Asking("gpt-4o-mini"))
    assert planning.summary(planned, FRAMES, ["cascade"])["requests"].tolist() == [4, 4]
