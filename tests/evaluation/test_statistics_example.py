"""The worked example of docs/statistics.md: every figure printed there is what the package computes."""

import re

import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.evaluation import scores
from fer_helpers.evaluation.calibration import calibration_error, reliability
from fer_helpers.evaluation.comparisons import compare, holm
from fer_helpers.evaluation.ensembles import ensemble
from fer_helpers.evaluation.metrics import brier
from fer_helpers.paths import ROOT

EXAMPLE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8").split("## Worked example")[1]


def tables_of(text):
    """The Markdown tables of a text, as strings."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, _, *rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in block.splitlines()]
        found.append(pd.DataFrame([[c.strip() for c in row] for row in rows], columns=[c.strip() for c in head]))
    return found


GIVEN, CONFUSION, PROBABILITIES, FIGURES = tables_of(EXAMPLE)
ORDER = ["happy", "neutral", "sad"]


def predictions(rater):
    rows = GIVEN.rename(columns={"clip": "clip_id"}).assign(label=GIVEN[rater].replace("–", None))
    same = {"strategy": "s", "model": rater, "taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False}
    return tables.check(
        "predictions", rows[["clip_id", "label"]].assign(**same, status=np.where(rows["label"].isna(), "invalid", "ok"))
    )


@pytest.fixture(scope="module")
def computed():
    """What the package makes of the example's tables, under the names of the example's figures."""
    clips = pd.DataFrame({"clip_id": GIVEN["clip"], "path": GIVEN["clip"], "label": GIVEN["truth"]})
    clips = tables.check("clips", clips.assign(start_s=0.0, status="ok"))
    a, b, c = map(predictions, "ABC")
    of_a = scores.score(a, clips, n_resamples=50).query("strategy == 's'").set_index("metric")
    found = {name: of_a.loc[name, "value"] for name in ("WAR", "UAR", "F1: neutral", "macro F1", "kappa", "MCC")}
    found |= {f"{name}, missing as wrong": of_a.loc[name, "value_wrong"] for name in ("WAR", "UAR", "kappa")}
    found |= {f"{name}, had it been right": of_a.loc[name, "bound_high"] for name in ("WAR", "UAR")}
    found |= {"WAR, low end": of_a.loc["WAR", "ci_low"], "WAR, high end": of_a.loc["WAR", "ci_high"]}
    found["coverage"] = of_a.loc["coverage", "value"]
    truth = GIVEN.set_index("clip").loc[PROBABILITIES["clip"], "truth"].map(ORDER.index).to_numpy()
    found["Brier of clips 1 and 4"] = brier(truth, PROBABILITIES[ORDER].to_numpy(float)).mean()
    confidence = pd.to_numeric(GIVEN["conf"], errors="coerce").to_numpy()
    found["ECE in two bins"] = calibration_error(reliability(confidence, (GIVEN["A"] == GIVEN["truth"]).to_numpy(), 2))
    war = compare(pd.concat([a, b]), clips, n_resamples=50).set_index("metric").loc["WAR"]
    found |= {"A − B, WAR": war["difference"], "A − B, low end": war["ci_low"], "A − B, high end": war["ci_high"]}
    found["exact McNemar, p"] = war["p"]
    names = ("Holm of 0.01, 0.04, 0.03: first", "Holm: second", "Holm: third")
    found |= dict(zip(names, holm([0.01, 0.04, 0.03]), strict=True))
    vote = ensemble("majority", pd.concat([a, b, c])).set_index("clip_id")
    for name, clip, label in (
        ("majority of A, B, C on clip 6", "6", "happy"),
        ("majority on clip 3", "3", "happy"),
        ("majority on clip 10", "10", "neutral"),
    ):
        found[name] = vote.loc[clip, f"prob_{label}"] if vote.loc[clip, "label"] == label else np.nan
    return found


def test_the_confusion_matrix_is_the_tables():
    answered = GIVEN[GIVEN["A"] != "–"]
    matrix = scores.confusion_matrix(answered["truth"], answered["A"], ORDER)
    assert matrix.to_numpy().tolist() == CONFUSION[ORDER].astype(int).to_numpy().tolist()
    assert list(CONFUSION["truth"]) == ORDER


def test_every_figure_of_the_example_is_checked(computed):
    assert set(FIGURES["figure"]) == set(computed)


@pytest.mark.parametrize(("name", "printed"), list(FIGURES[["figure", "is"]].itertuples(index=False)))
def test_a_figure_is_what_the_package_computes(name, printed, computed):
    assert f"{computed[name]:.4f}" == printed
