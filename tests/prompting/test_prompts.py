"""Prompts: what each asks for, a user's own from a file, and what a published one was used with."""

import re
from hashlib import sha256

import pytest
import yaml

from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.prompting import planning, prompts, sources
from fer_helpers.prompting.planning import Asking
from tests.support.plans import frames_of

FRAMES = frames_of({"a": 3})
OWN = "Look at {pictures} and choose: {labels}."


def body_of(**asking):
    row = planning.plan(FRAMES, ["multi_frame"], ["seven"], Asking("m", **asking)).iloc[0]
    return planning.body_of(row, ["data:image/jpeg;base64,AA=="] * 3)


def words_of(body):
    return body["messages"][0]["content"][0]["text"]


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ("action_units", "7ecbd8778e392320"),
        ("definitions", "58f1a53c5b32e6e2"),
        ("labels", "e46897d60871be1c"),
        ("reasoning", "82da10d469acc6b7"),
    ],
)
def test_requests_that_are_paid_for_keep_their_keys(prompt, keys):
    """Keys, prompt hashes and estimates as before there were rankings; with others every archive is paid for anew."""
    frames = frames_of({"a": 3}).assign(sha256=["x", "y", "z"], width=64, height=64)
    found = []
    for form in prompts.FORMS:
        asking, strategies = Asking("m", prompt=prompt, form=form), ["multi_frame", "mosaic", "majority_vote"]
        planned = planning.plan(frames, strategies, ["seven", "ternary"], asking)
        found += [*planned["key"], *planned["prompt_sha256"], *map(str, planned["tokens_out"])]
    assert sha256(" ".join(found).encode()).hexdigest()[:16] == keys


def test_a_ranking_is_a_list_of_the_labels_and_nothing_else():
    schema = body_of(prompt="ranking")["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {"ranking": {"type": "array", "items": {"type": "string", "enum": list(SEVEN)}}}
    assert (schema["required"], schema["additionalProperties"]) == (["ranking"], False)


def test_a_distribution_is_a_number_for_each_label_and_needs_no_log_probabilities():
    body = body_of(prompt="distribution")
    inside = body["response_format"]["json_schema"]["schema"]["properties"]["distribution"]
    assert inside["properties"] == {label: {"type": "number"} for label in SEVEN}
    assert (inside["required"], inside["additionalProperties"]) == (list(SEVEN), False)
    assert not {"logprobs", "top_logprobs"} & body.keys()
    assert "logprobs" in body_of(prompt="ranking")


@pytest.mark.parametrize(
    ("prompt", "shape"),
    [
        ("ranking", '{"ranking": ["...", "..."], "confidence": 0.0 to 1.0}'),
        ("distribution", '{"distribution": {"angry": 0 to 100, "disgust": 0 to 100, '),
    ],
)
def test_without_a_schema_the_words_say_how_to_reply(prompt, shape):
    assert f"Reply with JSON and nothing else: {shape}" in words_of(body_of(prompt=prompt, form="text"))


@pytest.mark.parametrize("name", prompts.PROMPTS)
def test_a_reply_as_long_as_expected_fits_its_limit(name):
    asked = prompts.find(name)
    assert planning._tokens_out(Asking("m", prompt=name)) < asked.max_tokens


# --- a user's own --------------------------------------------------------------------------------------------


def write(tmp_path, content, name="mine.md"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_prompt_file_is_asked_with_its_words(tmp_path):
    name = prompts.learn(write(tmp_path, OWN))
    assert words_of(body_of(prompt=name)) == (
        "Look at 3 key frames, in the order of time, and choose: angry, disgust, fear, happy, neutral, sad, surprise."
    )
    assert re.fullmatch(r"mine-[0-9a-f]{12}", name)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".md", f"---\nreply: ranking\nmax_tokens: 99\n---\n{OWN}\n"),
        (".txt", f"\ufeff---\r\nreply: ranking\r\nmax_tokens: 99\r\n---\r\n{OWN}\r\n"),
        (".yaml", f"reply: ranking\nmax_tokens: 99\ntemplate: |\n  {OWN}\n"),
    ],
)
def test_its_head_says_what_the_reply_is(tmp_path, suffix, content):
    found = prompts.find(prompts.learn(write(tmp_path, content, f"mine{suffix}")))
    assert (found.template, found.reply, found.max_tokens) == (OWN, "ranking", 99)


def test_braces_that_fill_nothing_stay(tmp_path):
    name = prompts.learn(write(tmp_path, OWN + ' Say {"label": "..."}.'))
    assert words_of(body_of(prompt=name)).endswith('Say {"label": "..."}.')


def test_another_wording_is_another_name_and_another_key(tmp_path):
    names = [prompts.learn(write(tmp_path, text)) for text in (OWN, OWN + " Please.")]
    keys = {
        planning.plan(FRAMES, ["multi_frame"], ["seven"], Asking("m", prompt=name)).iloc[0]["key"] for name in names
    }
    assert len(set(names)) == len(keys) == 2
    assert words_of(body_of(prompt=names[0])).endswith("surprise.")  # the file was changed since, the name was not


def test_a_copy_in_the_runs_folder_is_the_same_prompt(tmp_path):
    name = prompts.learn(write(tmp_path, OWN, "my own: prompt.md"))
    prompts.keep(name, tmp_path / "prompts")
    (copy,) = (tmp_path / "prompts").iterdir()
    assert prompts.learn(copy) == name
    prompts.keep("labels", tmp_path / "prompts")  # what is built in needs no copy
    assert len(list((tmp_path / "prompts").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.md", "Which expression?", "does not name the labels: write {labels}"),
        ("a.md", "Choose from {label}.", "has {label}, which nothing fills: use {pictures}, {labels}"),
        ("a.md", "", "does not name the labels"),
        ("a.md", f"---\nreply: rank\n---\n{OWN}", "reply is 'rank': Input should be 'label', 'ranking' or 'distrib"),
        ("a.md", f"---\nreplay: ranking\n---\n{OWN}", "unknown field 'replay'; did you mean 'reply'?"),
        ("a.md", f"---\nmax_tokens: 9\nmax_tokens: 900\n---\n{OWN}", "line 3: max_tokens is given twice"),
        ("a.md", f"---\nframes: many\n---\n{OWN}", "frames is 'many'"),
        ("a.md", f"---\nmax_tokens: 0\n---\n{OWN}", "max_tokens is 0"),
        ("a.md", f"---\norder: [happy, sad]\n---\n{OWN}", "order must name each label of one label set once"),
        ("a.md", f"---\norder: [happy, cheese]\n---\n{OWN}", "order is 'cheese'"),
        ("a.md", f"---\n- reply\n---\n{OWN}", "expected `name: value` lines of YAML, found a list"),
        ("a.md", f"---\nreply: [\n---\n{OWN}", "is not YAML: while parsing"),
        ("a.yaml", "Choose from {labels}.", "expected `name: value` lines of YAML, found a str"),
        ("a.yaml", OWN, "is not YAML: while parsing"),
        ("a.yaml", "reply: ranking", "template is missing: write the words under `template:`"),
        ("a.md", b"\xffGef\xfchl {labels}", "is not UTF-8: save it as UTF-8"),
        ("a.md", OWN + "x" * 20_000, f"has {20_000 + len(OWN)} bytes, and a prompt at most 20000: shorten it"),
    ],
)
def test_what_is_no_prompt_is_refused_in_one_line(tmp_path, name, content, said):
    with pytest.raises(ParamsError) as error:
        prompts.learn(write(tmp_path, content, name))
    assert said in str(error.value)
    assert f"prompt file {tmp_path / name}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"nowhere\.md does not exist: correct the path, or use one of action_units"):
        prompts.named(str(tmp_path / "nowhere.md"))
    with pytest.raises(RunError, match="put its file back"):
        prompts.find("mine-000000000000")


# --- published ones ------------------------------------------------------------------------------------------

PUBLISHED = [name for name, prompt in prompts.PROMPTS.items() if prompt.source]


def test_each_published_prompt_says_where_it_is_from_and_whose_words_it_has():
    assert {"gpt4v_emotion", "emotion_llama"} <= set(PUBLISHED)
    for name in PUBLISHED:
        asked = prompts.find(name)
        assert re.search(r"20\d\d.*arXiv \d{4}\.\d{5}", asked.source)
        assert "wording is ours" in asked.source
        assert asked.frames
        assert sorted(asked.order) == sorted(SEVEN)


def test_labels_are_named_in_the_sources_order():
    """Emotion-LLaMA's authors report 21 points of accuracy between orders."""
    order = "happy, sad, neutral, angry, surprise, disgust, fear"
    assert order in words_of(body_of(prompt="emotion_llama"))
    ternary = planning.plan(FRAMES, ["multi_frame"], ["ternary"], Asking("m", prompt="emotion_llama")).iloc[0]
    assert tuple(ternary["labels"]) == TERNARY  # of which the source says nothing


@pytest.mark.parametrize(
    ("strategies", "n_frames", "said"),
    [
        (["multi_frame"], 3, []),
        (["multi_frame:3"], 5, []),
        (["multi_frame", "single_frame"], 5, ["here single_frame about 1; multi_frame about 5."]),
        (["multi_frame", "single_frame"], 3, ["here single_frame about 1."]),
        (["multi_frame"], None, ["asked about 3 frame(s) at once; here clips differ."]),
    ],
)
def test_other_frames_than_the_sources_are_said_and_not_refused(strategies, n_frames, said):
    found = sources.differences("gpt4v_emotion", strategies, n_frames, "fixed")
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))
    assert sources.differences("labels", strategies, n_frames, "shuffled") == []


def test_another_order_of_labels_is_said():
    assert sources.differences("emotion_llama", ["single_frame"], 1, "shuffled") == [
        "The source of prompt emotion_llama named the labels in one order; here it is shuffled."
    ]


def test_templates_are_files_of_the_form_that_users_write():
    for path in prompts._FOLDER.glob("*.md"):
        assert prompts.find(prompts.learn(path)) == prompts.PROMPTS[path.stem]
    assert yaml.safe_load((prompts._FOLDER / "labels.yaml").read_text(encoding="utf-8")).keys() >= set(SEVEN)
