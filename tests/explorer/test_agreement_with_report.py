"""Every accuracy and interval that the explorer shows is the report's: of runs of several kinds, in a browser."""

import re

import numpy as np
import pandas as pd
import pytest

from fer_helpers.emotions import TAXONOMIES, question
from fer_helpers.evaluation import comparisons, scores
from fer_helpers.explorer import ConfusionExplorer, marks
from fer_helpers.explorer._table import names_of
from fer_helpers.statuses import OUTSIDE
from tests.support.browser import matrix, open_file, option
from tests.support.explorer_runs import STRATEGIES, make_run

KINDS = {
    "with people, three questions": {"people": True, "taxonomies": ("seven", "ternary")},
    "without people, missing answers": {"seed": 3},
    "answers outside the label set": {"people": True, "outside": True, "seed": 4},
}
browser_test = pytest.mark.browser


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "a", 60, n_frames=1, scored=True, **KINDS[request.param])


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    return ConfusionExplorer(run).to_html(tmp_path_factory.mktemp("file") / "explorer.html")


def numbers(words):
    """All numbers with decimals in a text, as they are written."""
    return re.findall(r"[-+]?\d?\.\d+", words.replace("\N{MINUS SIGN}", "-"))


def same(shown, values):
    """Whether the numbers shown are `values`, rounded to as many digits as are shown."""
    known = [value for value in values if not np.isnan(value)]
    rounded = [f"{value:.{len(one.partition('.')[2])}f}" for one, value in zip(shown, known, strict=True)]
    return [float(one) for one in shown] == [float(one) for one in rounded]


def of_all(run):
    """The table's accuracies by the words with which the explorer offers them."""
    table = run.read("scores")
    table = table[(table["metric"] == "WAR") & table["strategy"].isin(STRATEGIES)]
    return {(question(row.taxonomy, row.asked), row.strategy): row for row in table.itertuples()}


def accuracy(page, which="a"):
    return page.get_by_test_id(f"fer-accuracy-{which}").text_content()


@browser_test
def test_accuracies_of_the_whole_run_are_those_of_the_scores_table(run, file, page):
    """Over people where people are known, Wilson's over clips where not; n and missing answers, too."""
    open_file(page, file)
    found = of_all(run)
    several = len({words for words, _ in found}) > 1
    for (words, strategy), row in found.items():
        if several:
            page.get_by_test_id("fer-question").select_option(words)
        page.get_by_test_id("fer-strategy").select_option(strategy)
        shown = accuracy(page)
        assert same(numbers(shown), [row.value, row.ci_low, row.ci_high]), (words, strategy, shown)
        assert f"over {row.resampled}; {row.n_clips} clips" in shown
        assert ("more without a label" in shown) == (row.n_missing > 0)
        assert not row.n_missing or f", {row.n_missing} more without a label" in shown


@browser_test
def test_differences_of_the_whole_run_are_those_of_the_comparisons_table(run, file, page):
    open_file(page, file)
    table = run.read("comparisons").query("metric == 'WAR' and taxonomy == 'seven'")
    for row in table.itertuples():
        for a, b, sign in ((row.strategy_a, row.strategy_b, -1), (row.strategy_b, row.strategy_a, 1)):
            page.get_by_test_id("fer-strategy").select_option(a)
            page.get_by_test_id("fer-compare").select_option(b)
            ends = sorted(sign * end for end in (row.ci_low, row.ci_high))
            shown = accuracy(page, "change")
            assert same(numbers(shown), [sign * row.difference, *ends]), (a, b, shown)
            assert f"on the {row.n_clips} clips both answer" in shown


@browser_test
def test_the_shares_of_the_diagonal_are_recall_and_precision(run, file, page):
    """Of the clips with an answer, as in the scores table; the shares of a missing answer are not shown."""
    open_file(page, file)
    page.get_by_test_id("fer-strategy").select_option("soft_vote")
    table = run.read("scores").query("strategy == 'soft_vote' and taxonomy == 'seven' and asked == 'seven'")
    value = table.set_index("metric")["value"]
    for side, metric in (("row", "recall"), ("column", "precision")):
        page.get_by_test_id("fer-shares").select_option(value=f'"{side}"')
        for label in TAXONOMIES["seven"]:
            shown = page.locator(f"[data-testid=fer-a-{label}-{label}] small")
            expected = value[f"{metric}: {label}"]
            if not expected or np.isnan(expected):
                assert shown.count() == 0
            else:
                assert shown.text_content() == f"{expected:.0%}".replace("%", " %")
    assert page.locator("[data-column='no label'] small").count() == 0


@browser_test
def test_a_selection_in_a_file_has_its_accuracy_and_says_why_no_interval(run, file, page):
    """Without a kernel the share of right answers is counted and nothing estimated; the page says what is missing."""
    open_file(page, file)
    page.get_by_test_id("fer-strategy").select_option("soft_vote")
    page.get_by_test_id("fer-facet").select_option(option("scene", "garden"))
    rows = run.read("predictions").merge(run.read("clips"), on="clip_id", suffixes=("", "_clip"))
    rows = rows[(rows["strategy"] == "soft_vote") & (rows["taxonomy"] == "seven") & (rows["scene"] == "garden")]
    answered = rows[rows["label"].notna() | (rows["status"] == OUTSIDE)]
    expected = f"accuracy {(answered['label'] == answered['label_clip']).mean():.2f}; {len(answered)} clips"
    assert accuracy(page).startswith(expected)
    assert accuracy(page).endswith("(no interval: that of a selection needs a kernel)")
    page.get_by_test_id("fer-clear").click()
    assert "[" in accuracy(page)


@browser_test
def test_answers_outside_the_label_set_have_a_column_and_are_wrong(run, file, page):
    """Only where there are any; a click shows them, and they are among the errors."""
    open_file(page, file)
    page.get_by_test_id("fer-strategy").select_option("soft_vote")
    predicted = run.read("predictions").query("strategy == 'soft_vote' and taxonomy == 'seven'")
    gone = set(predicted.loc[predicted["status"] == OUTSIDE, "clip_id"])
    heads = page.locator("[data-testid=fer-matrix-a] th[scope=col]").all_text_contents()
    assert (OUTSIDE in heads) == bool(gone)
    if gone:
        page.get_by_test_id(f"fer-a-column-{OUTSIDE}").click()
        assert set(page.locator(".fer-id").all_text_contents()) <= gone
        assert page.get_by_test_id("fer-heading").text_content().startswith(f"any label → outside: {len(gone)} clip")
        assert "a label outside the label set" in page.get_by_test_id("fer-card").first.text_content()
        counts = matrix(page)
        wrong = sum(n for (row, column), n in counts.items() if row != column and column != "no label")
        assert page.get_by_test_id("fer-errors").text_content() == f"All errors, surest first: {wrong}"
        page.get_by_test_id("fer-strategy").select_option("multi_frame")
        assert OUTSIDE not in page.locator("[data-testid=fer-matrix-a] th[scope=col]").all_text_contents()


# --- with a kernel --------------------------------------------------------------------------------------------


def asked(explorer, **view):
    """What the kernel answers to the question for a view's accuracies."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._receive(None, {"type": "scored", "id": 1, "view": {**explorer.view, **view}}, [])
    return sent[0]["words"]


@pytest.mark.parametrize(
    "filters",
    [{}, {"scene": ["garden"]}, {"scene": ["garden", "street"], "split": ["test"]}, {"confidence": [30, 100]}],
    ids=str,
)
def test_a_selection_is_scored_by_the_function_that_scores_the_run(run, filters):
    """Also of the whole run, where the tables have the same to the digit."""
    explorer = ConfusionExplorer(run)
    data, predictions, clips = explorer._data, run.read("predictions"), run.read("clips")
    kept = clips[data.kept({**explorer.view, "a": 0, "filters": filters})]
    drawing = {"n_resamples": run.params.n_resamples, "seed": run.params.seed}
    a, b = data.series[0].strategy, data.series[3].strategy
    mine = predictions[predictions["clip_id"].isin(kept["clip_id"]) & predictions["strategy"].isin([a, b])]
    mine = mine[mine["asked"] == mine["taxonomy"]]
    table = run.read("scores") if not filters else scores.score(mine, kept, **drawing)
    pairs = run.read("comparisons") if not filters else comparisons.compare(mine, kept, **drawing)
    words = asked(explorer, a=0, b=3, filters=filters)
    for name, at in (("a", 0), ("b", 3)):
        one = data.series[at]
        row = table.query("metric == 'WAR' and taxonomy == 'seven'").set_index("strategy").loc[one.strategy]
        assert same(numbers(words[name]), [row["value"], row["ci_low"], row["ci_high"]]), words
        assert row["resampled"] in words[name]
    pair = pairs.query("metric == 'WAR' and taxonomy == 'seven' and asked == 'seven'")
    pair = pair[pair[["strategy_a", "strategy_b"]].isin([a, b]).all(axis=1)].iloc[0]
    sign = 1 if pair["strategy_a"] == b else -1
    ends = sorted(sign * end for end in pair[["ci_low", "ci_high"]])
    assert same(numbers(words["change"]), [sign * pair["difference"], *ends])


def test_few_people_have_no_interval_and_it_says_so(tmp_path):
    run = make_run(tmp_path / "a", 60, n_frames=1, people=True)
    words = asked(ConfusionExplorer(run), filters={"subject": ["s1", "s2"]})["a"]
    assert words.endswith(", too few subjects for an interval")
    assert "[" not in words


def test_a_second_run_is_scored_on_the_first_runs_clips(tmp_path):
    """Both runs asked the same model the same: they are told apart, and compared on the clips both have."""
    first, second = (make_run(tmp_path / name, 60, n_frames=1, people=True, seed=2) for name in "ab")
    explorer = ConfusionExplorer(first, compare=second)
    other = next(n for n, one in enumerate(explorer._data.series) if one.source)
    words = asked(explorer, a=0, b=other)
    assert words["a"] == words["b"]
    assert words["change"].startswith("+0.000")


def test_corrected_labels_are_scored_as_notebook_05_does(tmp_path):
    run = make_run(tmp_path / "a", 60, n_frames=1, people=True)
    explorer = ConfusionExplorer(run)
    labels = names_of(explorer._data.series[0].codes, "seven")
    clips = run.read("clips")
    wrong = [at for at in range(60) if isinstance(labels[at], str) and labels[at] != clips["label"][at]][:20]
    for at in wrong:
        mark = {"verdict": "label looks wrong", "suggested": labels[at]}
        explorer._receive(None, {"type": "mark", "clip": at, "mark": mark}, [])
    corrected = marks.corrected(clips, explorer.marks)
    anew = clips.assign(label=corrected["label_corrected"])
    one = run.read("predictions").query("strategy == 'single_frame'")
    table = scores.score(one, anew, n_resamples=run.params.n_resamples, seed=run.params.seed)
    row = table[(table["metric"] == "WAR") & (table["strategy"] == "single_frame")].iloc[0]
    shown = numbers(asked(explorer, rows="corrected")["a"])
    assert same(shown, [row["value"], row["ci_low"], row["ci_high"]])
    assert pd.Series(labels)[wrong].tolist() == corrected["label_corrected"][wrong].tolist()
