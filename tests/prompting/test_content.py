"""Clips as videos in requests: what is sent, what names it, and what it costs."""

import base64
from hashlib import sha256

import pandas as pd
import pytest

from fer_helpers.prompting import DEFAULT_STRATEGIES, content, find, planning, pricing, urls_of
from fer_helpers.prompting.planning import Asking
from tests.support.plans import frames_of, videos_of

FRAMES, VIDEOS = frames_of({"a": 5, "b": 5, "c": 2}), videos_of(["a", "b", "c"])
URL = "https://generativelanguage.googleapis.com/v1beta/openai"


def plan(*strategies, asking=None, taxonomies=("seven",)):
    return planning.plan(FRAMES, strategies, taxonomies, asking or Asking("m"), VIDEOS)


def media_of(row):
    (message,) = planning.body_of(row, urls_of(row, lambda clip_id, index: f"{clip_id} {index}".encode()))["messages"]
    return message["content"]


def test_one_request_holds_the_words_and_the_clip():
    words, video = media_of(plan("whole_clip").iloc[0])
    data = base64.b64encode(b"a None").decode()
    assert video == {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{data}"}}
    assert "You are shown the video itself, without sound, from a short video clip" in words["text"]


def test_a_server_that_refuses_video_url_gets_an_image_url():
    """Google's endpoint; fields of a picture, such as detail, are not sent with it."""
    _, video = media_of(plan("whole_clip", asking=Asking("m", omitted="store video_url")).iloc[0])
    assert video.keys() == {"type", "image_url"}
    assert video["image_url"].keys() == {"url"}
    pictures = media_of(plan("multi_frame", asking=Asking("m", omitted="video_url")).iloc[0])[1:]
    assert [picture["type"] for picture in pictures] == ["image_url"] * 5


def test_a_clip_without_a_video_is_not_asked_about():
    planned = plan("whole_clip", "multi_frame", taxonomies=("seven", "ternary"))
    clips = planned[planned["frame_indices"].map(len) == 0]
    assert clips["clip_id"].tolist() == ["a", "a", "b", "b"]
    assert len(planned) == 4 + 6
    needed = planning.needed(["whole_clip", "multi_frame"], planned, FRAMES)
    assert needed["whole_clip"].sum() == 4
    assert not (needed["whole_clip"] & needed["multi_frame"]).any()
    assert plan("multi_frame", "single_frame")["key"].is_unique


def test_a_request_is_named_by_what_the_video_shows():
    one = plan("whole_clip").set_index("clip_id")
    assert one.loc["a", "key"] != one.loc["b", "key"]
    again = planning.plan(FRAMES, ["whole_clip"], ["seven"], Asking("m"), VIDEOS.assign(path="elsewhere"))
    assert again["key"].tolist() == one["key"].tolist()


def test_shuffled_labels_are_drawn_for_each_clip():
    """By the video, as for pictures by their hashes; 5,040 orders."""
    rows = plan("whole_clip", asking=Asking("m", label_order="shuffled"))
    assert rows["labels"].map(tuple).nunique() == 2


def test_requests_of_other_strategies_keep_their_names():
    """Of version 0.1, so that no answer is paid for twice; whether there are videos changes nothing."""
    with_videos = plan(*DEFAULT_STRATEGIES, taxonomies=("seven", "ternary"))
    without = planning.plan(FRAMES, DEFAULT_STRATEGIES, ["seven", "ternary"], Asking("m"))
    pd.testing.assert_frame_equal(with_videos, without)
    assert sha256(" ".join(sorted(without["key"])).encode()).hexdigest()[:16] == "b9fcda2c4562b966"


@pytest.mark.parametrize(
    ("model", "url", "seconds", "tokens"),
    [
        ("gemini-3.8-flash", URL, 2.4, 720),  # 300 a second
        ("gemini-3.8-flash", URL, 0.4, 300),  # a second at least
        ("gpt-4o-mini", "https://api.openai.com/v1", 2.4, None),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "http://127.0.0.1:8000/v1", 2.4, None),
    ],
)
def test_tokens_of_a_video_are_known_for_gemini_alone(model, url, seconds, tokens):
    assert pricing.book(base_url=url).video_tokens(model, seconds) == tokens


def test_the_price_is_empty_where_the_tokens_are_not_known():
    """24 frames as pictures stand for the tokens then, 84 patches of 32 pixels at 1.5 each: 3,024."""
    unknown = plan("whole_clip", "multi_frame", asking=Asking("gpt-4.1-mini")).set_index("clip_id")
    clip = unknown[unknown["frame_indices"].map(len) == 0]
    assert clip["cost_usd"].isna().all()
    assert plan("whole_clip")["tokens_image"].tolist() == [24 * 126, 24 * 126]
    summary = planning.summary(unknown.reset_index(), FRAMES, ["whole_clip", "multi_frame"])
    assert summary["US$"].isna().tolist() == [True, False, True]


def test_the_price_is_that_of_the_tokens_where_they_are(tmp_path):
    own = tmp_path / "prices.yaml"
    own.write_text(
        "videos:\n  mine: {date: '2026-11', per_second: 100.0}\n"
        "prices:\n  mine: {date: '2026-11', input: 10.0, output: 0.0}\n"
    )
    row = plan("whole_clip", asking=Asking("mine", prices=pricing.book(own))).iloc[0]
    assert row["tokens_image"] == 240
    assert row["cost_usd"] == pytest.approx(row["tokens_in"] * 1e-5)


def test_the_embedded_models_videos_cost_nothing():
    assert plan("whole_clip", asking=Asking("fer2013-cnn"))["cost_usd"].tolist() == [0.0, 0.0]


def test_a_whole_clip_has_no_part():
    with pytest.raises(ValueError, match="multi_frame:3"):
        find("whole_clip:3")
    assert not content.wants_clips(DEFAULT_STRATEGIES)
    assert content.wants_clips(["multi_frame", "whole_clip"])
