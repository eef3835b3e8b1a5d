"""Labels that people give: kept line by line, read back, and taken for votes."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import estimation
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.evaluation import agreement
from fer_helpers.runs import people

COLUMNS = ["clip_id", "rater", "label", "queue", "labelled_at"]


def row(clip="c1", rater="ana", label="fear", queue="core"):
    return dict(zip(COLUMNS, (clip, rater, label, queue, "2026-01-01T00:00:00+00:00"), strict=True))


def said(folder):
    return people.read(folder)[["clip_id", "rater", "label", "queue"]].to_numpy().tolist()


def test_the_later_of_a_raters_labels_of_a_clip_in_a_queue_counts(tmp_path):
    """A label that arrives twice counts once; another rater's, or the same clip in another queue, is another."""
    assert list(people.read(tmp_path).columns) == COLUMNS
    for given_ in (
        row(),
        row(rater="ben", label="sad"),
        row(queue="worklist", label="cannot tell"),
        row(label="skip"),
        row(label="happy"),
        row(label="happy"),
    ):
        people.keep(given_, tmp_path)
    assert said(tmp_path) == [
        ["c1", "ben", "sad", "core"],
        ["c1", "ana", "cannot tell", "worklist"],
        ["c1", "ana", "happy", "core"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "bored"},
        {"label": None},
        {"queue": "mine"},
        {"rater": " \t"},
        {"rater": "x" * 101},
        {"rater": "a\u0000"},
        {"rater": "\ud800"},
        {"rater": 7},
        {"clip_id": ""},
        {"clip_id": ["c1"]},
        {"predicted": "fear"},
    ],
)
def test_what_is_no_label_is_refused_in_one_line(tmp_path, wrong):
    with pytest.raises(RunError, match=f"^not a valid label: .*{next(iter(wrong))}.*") as refused:
        people.keep({**row(), **wrong}, tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / people.FILE).exists()


def test_a_name_is_kept_in_one_form(tmp_path):
    """Typed with spaces around it, or as letters and accents apart (as macOS does), it is the same rater."""
    for name in ("Zoë Q", "  Zoe\u0308   Q "):
        people.keep(row(rater=name), tmp_path)
    assert said(tmp_path) == [["c1", "Zoë Q", "fear", "core"]]


@settings(max_examples=20, deadline=None)
@given(lost=st.integers(1, 200), clip=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_a_label_cut_off_by_a_crash_never_was(tmp_path_factory, lost, clip):
    """Whole or not at all, and those before and after it are as they were given."""
    folder = tmp_path_factory.mktemp("people")
    people.keep(row(clip), folder)
    whole = (folder / people.FILE).read_bytes()
    people.keep(row("torn"), folder)
    both = (folder / people.FILE).read_bytes()
    (folder / people.FILE).write_bytes(both[: max(len(whole), len(both) - 1 - lost)])
    people.keep(row("after"), folder)
    assert [one[0] for one in said(folder)] == [clip, "after"]


def test_many_at_once_lose_none(tmp_path):
    names = [f"rater {number}" for number in range(8)]

    def label(name):
        for clip in range(20):
            people.keep(row(f"c{clip}", name), tmp_path)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(label, names))
    assert sorted(one[:2] for one in said(tmp_path)) == sorted(
        [f"c{clip}", name] for name in names for clip in range(20)
    )


def test_answers_are_votes_like_any_others(tmp_path):
    """Worked by hand: Cohen's kappa of two who agree on two of three clips, one label each way, is 0.4."""
    labels = {"ana": ("fear", "sad", "fear", "cannot tell"), "ben": ("fear", "sad", "sad", "skip")}
    for rater, given_ in labels.items():
        for clip, label in enumerate(given_):
            people.keep(row(f"c{clip}", rater, label), tmp_path)
    population = pd.DataFrame({"clip_id": [f"c{clip}" for clip in range(4)]})
    read = estimation.read_labels(people.read(tmp_path), population)
    assert (len(read.votes), set(read.refused["reason"]), set(read.refused["clip_id"])) == (6, {"no label"}, {"c3"})
    assert agreement.kappas(read.votes, SEVEN).loc["ana", "ben"] == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)
    assert estimation.by_clip(read.votes)["label"].fillna("a tie").tolist() == ["fear", "sad", "a tie"]
