"""The answer of notebook 06 changes with the data: a good model, a useless one, nobody's labels, nothing certified.

The cell below the notebook's heading "Answer" is executed on made-up corpora, as in tests/report/test_answers.py.
"""

import contextlib
import io

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.estimation import (
    CORPUS,
    answers,
    by_clip,
    certify,
    draw_audit,
    draw_core,
    estimate,
    estimate_performance,
    estimate_shares,
    in_words,
    p_value,
    planned,
    redraws,
    replacement_test,
    risk_by_coverage,
    waiting,
    would_accept,
)
from fer_helpers.evaluation import summaries
from fer_helpers.runs import AUDIT, source
from tests.estimation.worlds import corpus, votes


def made(right, seed=3, useless=False):
    """A corpus of 600 clips, its true labels, a core of 120 and what one rater says of it."""
    clips, truth = corpus(np.random.default_rng(seed), 60, 10, right=right)
    if useless:
        clips = clips.assign(label=np.random.default_rng(1).permutation(clips["label"].to_numpy()))
    core = draw_core(clips, 120, 1)
    return clips, truth, core, by_clip(votes(clips, truth, core))


def answer(core, table, acceptance=None, replacement=None):
    """What the cell below the heading "Answer" prints."""
    cells = nbformat.read(source(AUDIT), as_version=4).cells
    at = next(number for number, cell in enumerate(cells) if cell.source.startswith("## Answer"))
    known = {"answers": answers, "summaries": summaries, "core": core, "table": table}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(cells[at + 1].source, known | {"acceptance": acceptance, "replacement": replacement})
    return " ".join(said.getvalue().split())


def none():
    return pd.DataFrame({"clip_id": [], "queue": [], "stratum": [], "probability": [], "order": []}).head(0)


def test_a_good_model_saves_labels():
    clips, _, core, said = made(0.97)
    table = estimate(clips, core, said, "seven")
    found = answer(core, table)
    assert "120 of 120 drawn clips are labelled, of 600 in the corpus." in found
    assert "nobody was asked" not in found
    assert "saved some of people's" in found
    errors = (
        table[(table["target"] == CORPUS) & table["error"].notna()]
        .groupby("source")["error"]
        .apply(lambda error: (error**2).sum())
    )
    left = errors["both"] / errors["people"]
    assert left < 0.3
    assert f"{100 * (1 - left):.0f} % smaller" in found
    alone = 1 / ((1 / 120 - 1 / 600) * left + 1 / 600)  # n labels alone have the same variance, (1/n − 1/N)s²
    assert f"120 labels do what about {alone:.0f} would do" in found


def test_a_useless_model_saves_nothing_and_is_told_so():
    clips, _, core, said = made(0.65, useless=True)
    found = answer(core, estimate(clips, core, said, "seven", raters="simulated panel"))
    assert "saved next to nothing" in found
    assert "These labels are those of the simulated panel: nobody was asked." in found
    assert "the simulated panel's label to 0." in found


def test_without_labels_nothing_is_said_but_that():
    clips, truth, core, _ = made(0.9)
    empty = estimate(clips, core, by_clip(votes(clips, truth, core.head(1))), "seven")
    assert empty.equals(tables.empty("estimates"))
    found = answer(core, empty)
    assert "Nobody has labelled enough yet: 120 clips are drawn" in found
    assert "WAR" not in found


def test_nothing_certified_is_an_answer():
    """Four in ten are wrong, at every threshold."""
    clips, _, core, said = made(0.6, useless=True)
    acceptance = certify(clips, core, said, none(), said.head(0))
    found = answer(core, estimate(clips, core, said, "seven"), acceptance)
    assert "Nothing can be certified: by the core, no threshold" in found
    assert len(acceptance.accepted) == 0
    assert acceptance.more is None


def test_an_audit_is_asked_for_awaited_and_then_decides():
    clips, truth, core, said = made(1.0 - 1e-6)
    chosen = would_accept(clips, core, said)
    before = certify(clips, core, said, none(), said.head(0))
    assert p_value(600, 22, 0, 0.1) <= 0.1 < p_value(600, 21, 0, 0.1)
    assert f"{len(chosen)} clips look good enough; an audit of 22 or more must confirm it" in before.sentence
    drawn = draw_audit(clips, chosen, 40, 1)
    left = pd.DataFrame({"clip_id": [clip for clip in chosen if clip not in set(drawn["clip_id"])], "queue": "audit"})
    audit, labels = pd.concat([drawn, left]), by_clip(votes(clips, truth, drawn))
    assert "2 clips of the audit are not labelled" in certify(clips, core, said, audit, labels, waiting=2).sentence
    done = certify(clips, core, said, audit, labels)
    assert set(done.accepted) == set(chosen)
    assert f"{len(chosen)} labels can be taken: at most 10% of these labels wrong" in answer(
        core, estimate(clips, core, said, "seven"), done
    )


def test_a_model_that_answers_nothing_has_no_share_and_no_score():
    clips, truth, core, said = made(0.8)
    silent = clips.assign(label=None, confidence=np.nan, status="error")
    core = draw_core(silent, 120, 1)
    said = by_clip(votes(clips, truth, core))
    acceptance = certify(silent, core, said, none(), said.head(0))
    found = answer(core, estimate(silent, core, said, "seven"), acceptance)
    assert "the model gives no label." in found
    assert "nan" not in found
    assert "WAR" not in found
    assert "too few labels to choose a threshold" in found


def test_a_clip_waits_until_somebody_decides_in_its_queue():
    core = pd.DataFrame({"clip_id": list("abcdef"), "queue": "core"})
    rows = [("a", "sad", "core"), ("b", "Skip", "core"), ("c", "sad", "audit"), ("d", "sad", "")]
    rows += [("e", "cannot tell", "core"), ("f", "", "core")]
    given = pd.DataFrame(rows, columns=["clip_id", "label", "queue"])
    assert waiting(given, core).tolist() == ["b", "c", "f"]
    assert waiting(given.drop(columns="queue"), core).tolist() == ["b", "f"]


def test_raters_are_beaten_or_not():
    clips, truth, core, _ = made(0.97)
    three = pd.concat([votes(clips, truth, core).assign(rater=name) for name in "abc"])
    table = replacement_test(three, clips)
    found = answer(core, estimate(clips, core, by_clip(three), "seven"), None, table)
    assert "the model may replace a rater" in found
    assert "3 of 3 raters (winning rate 100 %" in found


def test_one_table_has_the_shares_and_the_performance():
    clips, _, core, said = made(0.8)
    table = estimate(clips, core, said, "seven", "negative", n_resamples=200).set_index(
        ["quantity", "target", "source"]
    )
    shares = estimate_shares(clips, core, said, SEVEN, "negative").set_index(["quantity", "target", "source"])
    scores = estimate_performance(clips, core, said, SEVEN, 200).set_index(["quantity", "target", "source"])
    assert len(table) == len(shares) + len(scores)
    for one in (shares, scores):
        pd.testing.assert_series_equal(table.loc[one.index, "value"], one["value"])


def test_mean_valence_of_seven_classes_is_that_of_their_shares():
    """Negative are angry, disgust, fear, sad and, as it is told, surprise; happy is positive."""
    clips, _, core, said = made(0.8)
    table = estimate_shares(clips, core, said, SEVEN, "negative")
    rows = table[(table["target"] == CORPUS) & (table["source"] == "people")].set_index("quantity")["value"]
    others = rows[[f"share: {word}" for word in ("angry", "disgust", "fear", "sad", "surprise")]].sum()
    assert rows["mean valence"] == pytest.approx(rows["share: happy"] - others)
    assert "mean valence" not in set(estimate_shares(clips, core, said, SEVEN)["quantity"])


def test_the_plan_is_worked_out_by_hand():
    """Shares of 0.9 and 0.1: sd 0.3; UAR of two classes: ½·√(1/0.9 + 1/0.1)/2; t with 24 degrees is 2.0639."""
    clips = pd.DataFrame({"label": ["sad"] * 90 + ["happy"] * 10})
    table = planned(clips, [25, 100], SEVEN)
    left = 2.0639 * np.sqrt((1 - 0.25) / 25)
    assert table.loc[25].to_dict() == pytest.approx(
        {
            "share: sad": 0.3 * left,
            "share: happy": 0.3 * left,
            "WAR": 0.5 * left,
            "UAR": 0.25 * np.sqrt(1 / 0.9 + 1 / 0.1) * left,
        },
        rel=1e-4,
    )
    assert (table.loc[100] == 0).all()


def test_the_risk_of_the_surest_is_weighted_by_the_draw():
    """Four clips, the two surest right and wrong, of strata drawn with probability 1 and ½: (0·1 + 1·2)/3 wrong."""
    clips = pd.DataFrame({"clip_id": list("abcd"), "label": "sad", "confidence": [0.9, 0.8, 0.7, 0.6]})
    core = pd.DataFrame({"clip_id": ["a", "b"], "queue": "core", "stratum": ["x", "y"], "probability": [1.0, 0.5]})
    said = by_clip(pd.DataFrame({"clip_id": ["a", "b"], "rater": "r", "label": ["sad", "fear"]}))
    table = risk_by_coverage(clips, core, said).set_index("n_accepted")
    assert table.loc[1, "wrong"] == 0
    assert table.loc[2, "wrong"] == pytest.approx(2 / 3)
    assert table.loc[4, ["n_labelled", "n_wrong", "confidence"]].tolist() == [2, 1, 0.6]


def test_redraws_know_the_truth_and_are_repeatable():
    clips, truth = corpus(np.random.default_rng(5), 30, 8)
    everything = by_clip(votes(clips, truth, draw_core(clips, len(clips), 0)))
    table = redraws(clips, everything, 80, "seven", n_draws=5)
    true = table.drop_duplicates("quantity").set_index("quantity")["true"]
    assert true["share: happy"] == pytest.approx(np.mean(truth == "happy"))
    assert true["WAR"] == pytest.approx(np.mean(truth == clips["label"]))
    assert set(table["source"]) == {"people", "both"}
    assert table.equals(redraws(clips, everything, 80, "seven", n_draws=5))
    moved = table.assign(held=table["true"].between(table["ci_low"], table["ci_high"]))
    assert (moved["held"] <= table["held"]).all()
    core = draw_core(clips, 80, 99)
    mine = estimate(clips, core, by_clip(votes(clips, truth, core)), "seven", raters="simulated panel").assign(
        ci_low=-1.0, ci_high=2.0
    )
    said, own = answers.of_redraws(table, mine, 80)
    assert "In 5 other draws of 80 clips from this corpus, labelled by the simulated panel" in said
    assert own == "Of the 9 intervals of this draw, 9 hold it."
    off = mine.assign(ci_low=mine["ci_low"].where(mine["quantity"] != "WAR", 0.99))
    assert answers.of_redraws(table, off, 80)[1] == "Of the 9 intervals of this draw, 8 hold it; not that of WAR."


def test_estimates_in_words_have_no_negative_nought():
    clips, _, core, said = made(0.8)
    table = estimate(clips, core, said, "seven").assign(value=-0.001, ci_low=-0.3, ci_high=0.004)
    words = in_words(table.assign(raters="simulated panel"))
    assert list(words) == ["target", "quantity", "model alone", "simulated panel alone", "both together"]
    half = in_words(table.assign(value=0.525))["both together"].iloc[0]
    assert half.startswith(f"{0.525:.2f}")  # as sentences round it
    assert set(words["both together"]) == {"0.00 [-0.30, 0.00]".replace(" ", "\N{NO-BREAK SPACE}")}
