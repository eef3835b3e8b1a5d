"""Parameters: every wrong name or value is refused at once, in one line that says what to change."""

import pytest

from fer_helpers import params
from fer_helpers.cli._base import typed_values
from fer_helpers.errors import ParamsError
from fer_helpers.paths import ROOT
from fer_helpers.runs import sweeps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_frmes": 3}, "unknown parameter 'n_frmes', did you mean 'n_frames'?"),
        ({"zzz": 3}, "unknown parameter 'zzz'"),
        ({"n_frames": "5"}, "n_frames is '5'"),
        ({"n_frames": True}, "n_frames is True"),
        ({"n_frames": 0}, "n_frames is 0"),
        ({"n_frames": 2.0}, "n_frames is 2.0"),
        ({"clip_seconds": -1}, "clip_seconds is -1"),
        ({"allow_upload": "no"}, "allow_upload is 'no'"),
        ({"strategies": ["vote"]}, "'vote' must be one of single_frame, per_frame, majority_vote"),
        ({"strategies": ["soft_vote", "soft_vote"]}, "duplicate name"),
        ({"taxonomies": ["eight"]}, "'eight' must be one of seven, ternary"),
        ({"surprise_is": "mixed"}, "surprise_is is 'mixed'"),
        (
            {"label_order": "rotated:7"},
            "label_order is 'rotated:7': must be fixed, shuffled, or rotated:K, K from 0 to 6",
        ),
        ({"label_order": "random"}, "label_order is 'random': must be fixed, shuffled"),
        ({"corpus": "folder"}, "needs corpus_path"),
        ({"corpus": "ferv39k", "corpus_path": "x", "manifest": "m.csv"}, "manifest works with corpus 'folder' only"),
        ({"corpus": "demo", "n_clips": 3}, "n_clips of at least 7"),
    ],
)
def test_wrong_values_are_refused_in_one_line(values, message):
    with pytest.raises(ParamsError) as caught:
        params.validate(values, "params/x.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("params/x.yaml: ")
    assert "\n" not in str(caught.value)


def test_an_integer_is_a_number_of_seconds():
    assert params.validate({"clip_seconds": 2}).clip_seconds == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "contains a list"),
        ("n_frames: [1\n", "is not YAML"),
        ("n_frames: 1e-4\n", "n_frames is '1e-4'"),  # YAML reads it as a string
        ("allow_upload: maybe\n", "allow_upload is 'maybe'"),
        ("1: 2\n", "unknown parameter '1'"),
        ("strategies: []\n", "strategies is []"),
        ("n_frames: 5\nmax_cost_usd: 1\nmax_cost_usd: 100\n", "line 3: max_cost_usd is given twice"),
        ("other_labels: {contempt: sad, contempt: happy}\n", "line 1: contempt is given twice"),
        ("\ntimeout_s: 1:30\n", "line 2: 1:30 is no plain decimal number"),
        ("n_frames: 030\n", "line 1: 030 is no plain decimal number"),
        ("n_frames: 0x10\n", "line 1: 0x10 is no plain decimal number"),
        ("n_clips: 1_000\n", "line 1: 1_000 is no plain decimal number"),
        ("max_cost_usd: .inf\n", "line 1: .inf is no plain decimal number"),
        ("temperature: .nan\n", "line 1: .nan is no plain decimal number"),
        ("max_cost_usd: 1.0e+999\n", "line 1: 1.0e+999 is no plain decimal number"),
        ("max_cost_usd: 1\n<<: {max_cost_usd: 100}\n", "line 2: << is no name in YAML; quote it"),
        ("prices: &own mine.yaml\nmanifest: *own\n", "line 2: *own stands for another value; write that out"),
        ("strategies: &all [*all]\n", "line 1: *all stands for another value"),  # was looked through for ever
        ("other_labels: {no: neutral}\n", "line 1: no is no name in YAML; quote it"),
        ("n_frames:\t3\n", "is not YAML: while scanning"),
        ("n_frames: 3\n---\nn_frames: 5\n", "is not YAML: expected a single document"),
        ("model: no\n", "model is False: Input should be a valid string; put it into quotes"),
        (
            "model: 2026-01-01\n",
            "model is datetime.date(2026, 1, 1): Input should be a valid string; put it into quotes",
        ),
        ("strategies: [*]\n", "is not YAML"),
        ("model: 4.1\n", "model is 4.1: Input should be a valid string; put it into quotes"),
        ("n_frames: '3'\n", "n_frames is '3': Input should be a valid integer; write a whole number without quotes"),
        ("n_frames: two\n", "with papermill -p n_frames 3"),
        ("max_cost_usd: '1'\n", "with papermill -p max_cost_usd 0.5"),
        ("model: 4.1\n", "with papermill -r model 4.1"),
        ("allow_upload: 'true'\n", "with papermill -p allow_upload True"),
        ("strategies: '[soft_vote]'\n", "with papermill -y 'strategies: [a, b]'"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"p\.yaml") as caught:
        params.load(path)
    assert message in str(caught.value)


def test_an_empty_file_is_the_demo_and_overrides_win(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("# nothing\n")
    assert params.load(path) == params.Params()
    assert params.load(path, {"n_frames": 3}).n_frames == 3


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is not a file"):
        params.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_file_is_valid(path):
    if {"sweep", "each"} & params.flat_yaml(path).keys():
        assert sweeps.load(path).out.startswith("outputs/")
        with pytest.raises(ParamsError, match="is a sweep of many runs: use `fer-helpers sweep`"):
            params.load(path)
    else:
        assert params.load(path).out.startswith("outputs/")


def test_a_prompt_is_a_name_or_a_file_that_is_read_before_the_run(tmp_path):
    with pytest.raises(
        ParamsError, match=r"prompt is 'lables': must be one of .*labels.*, or the path of a prompt file"
    ):
        params.validate({"prompt": "lables"})
    (tmp_path / "mine.md").write_text("Which expression?")
    with pytest.raises(ParamsError, match=r"mine\.md does not name the labels"):
        params.load("params/demo.yaml", {"prompt": str(tmp_path / "mine.md")})
    with pytest.raises(ParamsError, match=r"prompt file none\.md does not exist"):
        params.load("params/demo.yaml", {"prompt": "none.md"})


def test_a_prompt_file_typed_is_looked_for_from_where_one_is(tmp_path, monkeypatch):
    """And a prompt that is built in is never taken for a file of that name."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.md", "ranking"):
        (tmp_path / name).write_text("Choose from {labels}.")
    assert typed_values([("prompt", "mine.md")]) == {"prompt": str(tmp_path / "mine.md")}
    assert typed_values([("prompt", "ranking")]) == {"prompt": "ranking"}


def test_a_wrong_price_file_is_found_before_the_run(tmp_path):
    (tmp_path / "mine.yaml").write_text("prices: {m: {input: 1, output: 2}}\n")
    with pytest.raises(ParamsError, match=r"mine\.yaml: prices\.m\.date"):
        params.load("params/demo.yaml", {"prices": str(tmp_path / "mine.yaml")})
