"""Queues: drawn as recorded, extended without a change, refused where their design no longer holds, never mixed."""

import shutil

import numpy as np
import pandas as pd
import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.errors import ListError, RunError
from fer_helpers.estimation import by_clip, draw_core, drawn_only, estimate_shares, read_labels
from fer_helpers.runs import Run, draws
from tests.estimation.worlds import corpus, votes
from tests.support.unlabelled import clips_of, make_unlabelled, predictions_of, write_predictions

WORLD, TRUTH = corpus(np.random.default_rng(2), 30, 10, right=0.99)
TRUE = pd.Series(TRUTH, index=WORLD["clip_id"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_unlabelled(tmp_path_factory.mktemp("draws") / "run", WORLD)


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "run")
    return Run(tmp_path / "run", made.params.model_copy(update={"human_labels": str(tmp_path / "people.csv")}))


def rerun(run, world, **more):
    """Notebook 04 again, which says what `world` says."""
    write_predictions(run, predictions_of(world, **more))


def labelled(run, sample):
    """People label the clips of `sample`, truly, in the file that human_labels names."""
    path = run.folder.parent / "people.csv"
    before = pd.read_csv(path) if path.is_file() else None
    rows = votes(WORLD, TRUTH, sample).assign(queue=sample["queue"].to_numpy())
    pd.concat([before, rows]).to_csv(path, index=False)


def with_label(clip_id, label):
    return WORLD.assign(label=WORLD["label"].mask(WORLD["clip_id"] == clip_id, label))


def another(label):
    return SEVEN[SEVEN.index(label) - 1]


def test_a_core_is_recorded_with_all_it_was_drawn_from(run):
    sample = draws.draw(run, "core", 60)
    expected = draw_core(WORLD, 60, run.params.seed)
    pd.testing.assert_frame_equal(sample[list(expected)], expected, check_dtype=False)
    recorded = draws.read(run)
    assert set(recorded["clip_id"]) == set(WORLD["clip_id"])
    assert recorded["order"].notna().sum() == 60
    by_stratum = recorded.groupby("stratum")
    share = by_stratum["order"].count() / by_stratum.size()
    assert recorded["probability"].to_numpy() == pytest.approx(recorded["stratum"].map(share).to_numpy())
    assert recorded["label"].equals(recorded["stratum"])
    assert set(recorded["annotator"]) == {"soft_vote"}


def test_steps_end_where_one_draw_would_whatever_is_predicted_in_between(run):
    at_once = draw_core(WORLD, 320, run.params.seed)
    assert len(at_once) == len(WORLD) == 300
    for n in (40, 41, 150, 320):
        found = draws.draw(run, "core", n)
        assert found["clip_id"].tolist() == at_once["clip_id"].head(n).tolist()
        assert found["stratum"].tolist() == at_once["stratum"].head(n).tolist()
        rerun(run, WORLD.assign(label=np.roll(WORLD["label"], n)))
    assert set(found["probability"]) == {1}


def test_drawing_less_is_refused_and_drawing_the_same_changes_nothing(run):
    draws.draw(run, "core", 60)
    before = draws.read(run)
    with pytest.raises(RunError, match=r"60 clips are drawn for the core and none is taken back: ask for --n 60 or"):
        draws.draw(run, "core", 50)
    draws.draw(Run(run.folder, run.params.model_copy(update={"seed": 7})), "core", 60)  # the recorded seed counts
    pd.testing.assert_frame_equal(draws.read(run), before)
    (run.folder / "draws.parquet").unlink()
    with pytest.raises(ListError, match="4 clips of each of 7 strata need 26"):
        draws.draw(run, "core", 5)


def test_three_queues_are_kept_apart(run):
    core = draws.draw(run, "core", 80)
    (run.folder.parent / "people.csv").write_text(f"clip_id,rater,label\n{WORLD['clip_id'][0]},r,\n")
    with pytest.raises(RunError, match="by the 0 of 80 core clips that are labelled, no labels would be accepted"):
        draws.draw(run, "audit", 20)
    labelled(run, core)
    audit, worklist = draws.draw(run, "audit", 20), draws.draw(run, "worklist", 10)
    assert (len(draws.drawn(draws.read(run), "core")), len(audit), len(worklist)) == (80, 20, 10)
    assert set(audit["probability"]) == {20 / (draws.read(run)["queue"] == "audit").sum()}
    assert worklist["probability"].isna().all()
    assert not set(worklist["clip_id"]) & set(core["clip_id"])  # which are labelled
    # Every fifth clip is one on which the strategies differ; the list begins with the least sure of these.
    apart = WORLD[::5][~WORLD[::5]["clip_id"].isin(core["clip_id"])].sort_values(["confidence", "clip_id"])
    assert worklist["clip_id"].tolist() == apart["clip_id"].head(10).tolist()
    assert set(worklist["stratum"]) == {"strategies apart"}
    longer = draws.draw(run, "worklist", 15)
    assert longer["clip_id"].tolist() == apart["clip_id"].head(15).tolist()
    assert longer["order"].tolist() == list(range(15))


def test_an_audit_is_extended_among_the_clips_it_began_with(run):
    """More labels of the core would have chosen other clips: the audit does not follow them."""
    labelled(run, draws.draw(run, "core", 80))
    audit = draws.draw(run, "audit", 20)
    accepted = set(draws.read(run).query("queue == 'audit'")["clip_id"])
    wrong = votes(WORLD, np.roll(TRUTH, 1), draws.draw(run, "core", 160)).assign(queue="core")
    wrong.to_csv(run.folder.parent / "people.csv", index=False)
    longer = draws.draw(run, "audit", 40)
    assert longer["clip_id"].head(20).tolist() == audit["clip_id"].tolist()
    assert set(draws.read(run).query("queue == 'audit'")["clip_id"]) == accepted >= set(longer["clip_id"])


def test_an_audit_needs_a_core(run):
    with pytest.raises(RunError, match=r"no core to choose by: `fer-helpers sample --n 200`"):
        draws.draw(run, "audit", 20)


def test_a_notebook_that_repeats_its_labels_invalidates_nothing(run):
    """Other bytes in the table: other costs."""
    labelled(run, draws.draw(run, "core", 80))
    draws.draw(run, "audit", 20)
    before = draws.read(run)
    rerun(run, WORLD, cost=0.002)
    pd.testing.assert_frame_equal(draws.read(run), before)


def estimates(run):
    core = draws.drawn(draws.read(run), "core")
    clips = draws.population(run)
    said, _ = drawn_only(read_labels(votes(WORLD, TRUTH, core), clips), core)
    return estimate_shares(clips, core, by_clip(said))


def test_a_core_outlives_other_predictions_with_the_strata_it_was_drawn_by(run):
    """People's part of the estimate is theirs alone, and does not change with what the model says later."""
    draws.draw(run, "core", 80)
    before = estimates(run)
    rerun(run, WORLD.assign(label=np.roll(WORLD["label"], 1)))
    after = estimates(run)
    people = before["source"] == "people"
    pd.testing.assert_frame_equal(before[people].drop(columns="saved"), after[people].drop(columns="saved"))
    other = Run(run.folder, run.params.model_copy(update={"strategy_shown": "single_frame"}))
    assert set(draws.population(other)["annotator"]) == {"single_frame"}
    assert draws.population(other)["stratum"].tolist() == WORLD["label"].tolist()
    assert len(estimates(other)) == len(before)


def test_an_audit_of_other_labels_is_refused(run):
    labelled(run, draws.draw(run, "core", 80))
    clip = draws.draw(run, "audit", 20)["clip_id"].iloc[0]
    other = Run(run.folder, run.params.model_copy(update={"strategy_shown": "single_frame"}))
    with pytest.raises(RunError, match=r"labels of soft_vote, \d+ of which are not those of single_frame now: restore"):
        draws.read(other)
    label = WORLD.set_index("clip_id")["label"][clip]
    rerun(run, with_label(clip, another(label)))
    with pytest.raises(RunError, match=r"labels of soft_vote, 1 of which .* move .*draws\.parquet away and draw anew"):
        draws.draw(run, "audit", 40)
    rerun(run, WORLD)
    assert len(draws.draw(run, "audit", 40)) == 40


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (WORLD.head(290), r"other clips than the run's 290 readable ones \(10 are gone, 0 new\): restore the corpus"),
        (WORLD.assign(clip_id=["new", *WORLD["clip_id"][1:]]), r"300 readable ones \(1 are gone, 1 new\)"),
        (pd.concat([WORLD, WORLD.head(2).assign(clip_id=["x", "y"])]), r"\(0 are gone, 2 new\)"),
        (WORLD.assign(status=["unreadable"] + ["ok"] * 299), r"299 readable ones \(1 are gone, 0 new\)"),
    ],
)
def test_a_core_of_other_clips_is_refused_until_they_are_there_again(run, clips, message):
    draws.draw(run, "core", 80)
    run.write("clips", clips_of(clips))
    with pytest.raises(RunError, match=message):
        draws.read(run)
    run.write("clips", clips_of(WORLD))
    assert len(draws.draw(run, "core", 90)) == 90


def test_a_draw_for_another_label_set_is_refused(run):
    draws.draw(run, "core", 80)
    three = run.read("predictions").assign(taxonomy="ternary", asked="ternary", label="neutral")
    write_predictions(run, pd.concat([run.read("predictions"), three]))
    other = Run(run.folder, run.params.model_copy(update={"taxonomies": ["ternary", "seven"]}))
    with pytest.raises(RunError, match="drawn for the labels seven, not ternary: put seven first in taxonomies"):
        draws.read(other)


def test_what_no_strategy_labels_cannot_be_drawn_from(run):
    write_predictions(run, run.read("predictions").assign(frame_index=0))
    with pytest.raises(RunError, match="soft_vote labels no whole clips: name another strategy_shown"):
        draws.draw(run, "core", 80)
