"""Requests: what is sent, what names it, and what the plan counts."""

import pandas as pd
import pytest

from fer_helpers import pricing, prompts, requests, tables
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.strategies import STRATEGIES

ALL = list(STRATEGIES)


def frames_of(clips: dict[str, int]) -> pd.DataFrame:
    rows = [
        {
            "clip_id": clip,
            "frame_index": 3 * number,
            "time_s": 0.12 * number,
            "path": f"frames/{clip}/{number}.jpg",
            "sha256": f"{clip}-{number}",
            "width": 224,
            "height": 224,
            "status": "ok",
        }
        for clip, n in clips.items()
        for number in range(n)
    ]
    return tables.check("frames", pd.DataFrame(rows))


FRAMES = frames_of({"a": 5, "b": 2})


def test_nothing_but_words_and_pictures_is_sent():
    body = requests.body("m", "labels", "seven", ["data:image/jpeg;base64,AA==", "data:image/jpeg;base64,BB=="])
    text, *images = body["messages"][0]["content"]
    assert [image["image_url"]["url"][-4:] for image in images] == ["AA==", "BB=="]
    assert "2 key frames" in text["text"]
    assert all(label in text["text"] for label in SEVEN)
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["properties"]["label"]["enum"] == list(SEVEN)
    assert schema["schema"]["additionalProperties"] is False
    assert body["store"] is False


def test_one_picture_is_not_called_several():
    assert "one key frame" in prompts.text("labels", TERNARY, 1)


@pytest.mark.parametrize(
    "changed",
    [
        ("other", "labels", "seven", ["h1", "h2"], "low"),
        ("m", "labels", "ternary", ["h1", "h2"], "low"),
        ("m", "labels", "seven", ["h2", "h1"], "low"),
        ("m", "labels", "seven", ["h1"], "low"),
        ("m", "labels", "seven", ["h1", "h2"], "high"),
    ],
)
def test_whatever_changes_the_request_changes_its_key(changed):
    assert requests.key(*changed) != requests.key("m", "labels", "seven", ["h1", "h2"], "low")


def test_a_changed_prompt_changes_the_key(monkeypatch):
    before = requests.key("m", "labels", "seven", ["h1"])
    monkeypatch.setitem(prompts.PROMPTS, "labels", "Another wording: {pictures} {labels}")
    assert requests.key("m", "labels", "seven", ["h1"]) != before


def test_strategies_share_requests():
    """Five frames: five single requests and one together, each under two taxonomies."""
    planned = requests.plan(FRAMES, ALL, ["seven", "ternary"], "gpt-4o-mini")
    assert len(planned) == (5 + 1) * 2 + (2 + 1) * 2
    assert planned["key"].is_unique


def test_single_frame_alone_needs_one_request():
    planned = requests.plan(FRAMES, ["single_frame"], ["seven"], "gpt-4o-mini")
    assert planned[["clip_id", "frame_indices"]].to_numpy().tolist() == [["a", [6]], ["b", [3]]]


def test_a_clip_without_frames_has_no_request():
    frames = FRAMES.assign(status=["ok"] * 5 + ["no_face"] * 2)
    assert set(requests.plan(frames, ALL, ["seven"], "gpt-4o-mini")["clip_id"]) == {"a"}
    none = requests.plan(frames.assign(status="unreadable"), ALL, ["seven"], "gpt-4o-mini")
    assert len(none) == 0


def test_tokens_are_pictures_and_words():
    """gpt-4o-mini charges 2,833 tokens for a picture at low detail."""
    planned = requests.plan(FRAMES, ["multi_frame"], ["seven"], "gpt-4o-mini")
    assert planned["tokens_image"].tolist() == [5 * 2833, 2 * 2833]
    words = pricing.text_tokens("gpt-4o-mini", prompts.text("labels", SEVEN, 5))
    assert planned["tokens_in"].iloc[0] == 5 * 2833 + words
    price = (planned["tokens_in"].iloc[0] * 0.15 + requests.TOKENS_OUT * 0.60) / 1e6
    assert planned["cost_usd"].iloc[0] == pytest.approx(price)


def test_the_plan_counts_shared_requests_once():
    planned = requests.plan(FRAMES, ALL, ["seven"], "gpt-4o-mini")
    single = requests.needed_by("single_frame", planned, FRAMES)["key"]
    plan = requests.summary(planned, FRAMES, ALL, known=set(single))
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
    planned = requests.plan(FRAMES, ["single_frame"], ["seven"], "a-model-nobody-priced")
    assert planned["cost_usd"].isna().all()
    assert requests.summary(planned, FRAMES, ["single_frame"])["US$"].isna().all()
