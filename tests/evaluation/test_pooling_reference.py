"""Pooling many clips at once gives, to the bit, what pooling clip by clip and answer by answer does."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES, TERNARY, valence
from fer_helpers.evaluation import predictions
from fer_helpers.prompting import STRATEGIES, find, planning
from fer_helpers.statuses import ANSWER
from tests.support.plans import frames_of

NAMES = [*STRATEGIES, "majority_vote:3", "soft_vote:2", "multi_frame:3"]
SHARES = [0.0, 0.1, 0.25, 0.5, 1 / 3, 0.9]  # few, so that votes, means and confidences tie


def mean(rows, weights):
    """Weighted mean of lists of probabilities; those of NaN are left out."""
    kept = [(row, weight) for row, weight in zip(rows, weights, strict=True) if not np.isnan(row).any()]
    if not kept:
        return np.full(len(rows[0]), np.nan)
    return np.average(np.array([row for row, _ in kept]), axis=0, weights=np.array([weight for _, weight in kept]))


def pooled_slowly(name, votes, rows, weights, n_labels):
    """(label, probabilities, tie) of one clip's answers, in a loop."""
    kind = name.partition(":")[0]
    if kind in ("majority_vote", "weighted_vote", "self_consistency"):
        totals = [0.0] * n_labels
        for vote, weight in zip(votes, weights, strict=True):
            totals[vote] += weight
        tied = [label for label in range(n_labels) if np.isclose(totals[label], max(totals), rtol=1e-12, atol=0)]
        share = mean(rows, weights)
        label = tied[0] if np.isnan(share).any() else max(tied, key=lambda label: (share[label], -label))
        return label, share, len(tied) > 1
    if kind == "soft_vote":
        sure = [np.eye(n_labels)[vote] if np.isnan(row).any() else row for vote, row in zip(votes, rows, strict=True)]
        share = mean(sure, weights)
        tied = np.flatnonzero(np.isclose(share, max(share), rtol=0, atol=1e-12))
        return int(tied[0]), share, len(tied) > 1
    return votes[0], rows[0], False


def predicted_slowly(name, clip, part, answers, motion, labels):
    """One clip's row, from its requests in their order."""
    if not len(part):
        return {"clip_id": clip, "label": None, "n_votes": 0, "tie": False, "status": "no_frame"}, False
    found = [answers.get(key) for key in part["key"]]
    moving = np.array([motion[clip, group[0]] for group in part["frame_indices"]])
    weights = [1.0] * len(found)
    if name.startswith("weighted_vote") and not np.isnan(moving).all():
        peak = int(np.nanargmax(moving))
        weights = [1 / (1 + abs(place - peak)) for place in range(len(found))]
    row = {"clip_id": clip, "label": None, "n_votes": 0, "tie": False}
    tokens = [one["tokens_in"] + one["tokens_out"] for one in found if one and one["tokens_in"] is not None]
    costs = pd.Series([one["cost_usd"] if one else np.nan for one in found], dtype=float)
    row |= {"tokens": sum(tokens) if tokens else None, "cost_usd": costs.sum(min_count=1)}
    good = [place for place, one in enumerate(found) if one and one["status"] == "ok"]
    if not good:
        failures = [one["status"] if one else "not_asked" for one in found]
        return {**row, "status": min(set(failures), key=lambda one: (-failures.count(one), one))}, True
    votes = [labels.index(found[place]["label"]) for place in good]
    rows = [np.array([found[place][f"prob_{label}"] for label in labels], float) for place in good]
    label, share, tie = pooled_slowly(name, votes, rows, [weights[place] for place in good], len(labels))
    row |= {f"prob_{one}": value for one, value in zip(labels, share, strict=True)}
    said = {"label": labels[label], "confidence": share[label], "n_votes": len(votes), "status": "ok", "tie": bool(tie)}
    return {**row, **said, "agreement": votes.count(label) / len(votes)}, True


def cascaded_slowly(first, then, asked, below):
    if first.get("confidence", np.nan) >= below or not asked:
        return first
    both = [[row.get(name) for row in (first, then) if not pd.isna(row.get(name))] for name in ("tokens", "cost_usd")]
    kept = then if then["label"] or not first["label"] else first
    return {**kept, "tokens": sum(both[0]) if both[0] else None, "cost_usd": sum(both[1]) if both[1] else np.nan}


def slowly(clips, frames, planned, answers, surprise, below):
    motion = {(row.clip_id, row.frame_index): row.motion for row in frames.itertuples()}
    kept = answers.astype(object).where(answers.notna(), None).set_index("key").to_dict("index")
    rows = []
    for asked in planned["taxonomy"].unique():
        of_taxonomy = planned[planned["taxonomy"] == asked]
        for name in NAMES:
            stages = [planning.needed_by(stage, of_taxonomy, frames) for stage in planning.stages(name)]
            for clip in clips["clip_id"]:
                mine = [stage[stage["clip_id"] == clip] for stage in stages]
                parts = [mine[0].iloc[[i]] for i in range(len(mine[0]))] if find(name).per_frame else mine[:1]
                for part in parts or mine[:1]:
                    row, _ = predicted_slowly(name, clip, part, kept, motion, TAXONOMIES[asked])
                    if find(name).per_frame and len(part):
                        row["frame_index"] = part["frame_indices"].iloc[0][0]
                    for stage in mine[1:]:
                        then = predicted_slowly("multi_frame", clip, stage, kept, motion, TAXONOMIES[asked])
                        row = cascaded_slowly(row, *then, below)
                    base = {"strategy": name, "model": "m", "taxonomy": asked, "asked": asked}
                    rows.append({**base, **row})
    return tables.check("predictions", pd.DataFrame(rows, columns=list(tables.SCHEMAS["predictions"].columns)))


@st.composite
def runs(draw):
    """Clips of up to 11 key frames, some lost; answers that fail, tie, lack probabilities or are not there."""
    counts = [draw(st.integers(1, 11)), *draw(st.lists(st.integers(0, 11), max_size=3))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = [f"c{number}" for number in range(len(counts))]
    frames = frames_of(dict(zip(names, counts, strict=True)))
    frames["motion"] = np.where(rng.random(len(frames)) < 0.2, np.nan, rng.integers(0, 4, len(frames)) / 3)
    lost = rng.random(len(frames)) < 0.1
    frames["status"] = np.where(lost, "no_face", "ok")
    asking = planning.Asking("m", replicates=draw(st.integers(1, 3)))
    planned = planning.plan(frames, NAMES, ["seven", "ternary"], asking)
    rows = []
    for request in planned.drop_duplicates("key").itertuples():
        if rng.random() < 0.1:
            continue
        labels = TAXONOMIES[request.taxonomy]
        status = "ok" if rng.random() < 0.7 else str(rng.choice([name for name in ANSWER if name != "ok"]))
        row = {"key": request.key, "status": status, "label": str(rng.choice(labels[:3])) if status == "ok" else None}
        if status == "ok" and rng.random() < 0.8:
            share = rng.choice(SHARES, len(labels)) + 0.05
            row |= {f"prob_{label}": one for label, one in zip(labels, share / share.sum(), strict=True)}
        if rng.random() < 0.9:
            row |= {"tokens_in": int(rng.integers(90, 110)), "tokens_out": 5, "cost_usd": float(rng.random())}
        rows.append({**row, "model_requested": "m", "created": "2026-01-01T00:00:00+00:00"})
    columns = list(tables.SCHEMAS["answers"].columns)
    answers = tables.check("answers", pd.DataFrame(rows, columns=columns))
    clips = pd.DataFrame({"clip_id": names[::-1], "path": names[::-1], "start_s": 0.0, "status": "ok"})
    surprise = draw(st.sampled_from(["positive", "neutral", "negative", "left_out"]))
    return tables.check("clips", clips), frames, planned, answers, surprise, draw(st.sampled_from([0.0, 0.3, 0.6, 1.0]))


@settings(max_examples=6, deadline=None)
@given(runs())
def test_predictions_equal_those_of_a_plain_loop(run):
    clips, frames, planned, answers, surprise, below = run
    found = predictions.predict(clips, frames, planned, answers, NAMES, surprise, below)
    direct = found[found["taxonomy"] == found["asked"]]
    expected = slowly(*run) if len(planned) else direct.iloc[:0]
    pd.testing.assert_frame_equal(direct, expected, check_exact=True, check_index_type=False)


@settings(max_examples=6, deadline=None)
@given(runs())
def test_collapsing_equals_a_plain_loop(run):
    clips, frames, planned, answers, surprise, below = run
    found = predictions.predict(clips, frames, planned, answers, ["soft_vote", "per_frame"], surprise, below)
    seven = found[found["taxonomy"] == "seven"]
    three = found[(found["taxonomy"] == "ternary") & (found["asked"] == "seven")]
    for before, after in zip(seven.to_dict("records"), three.to_dict("records"), strict=True):
        label = None if pd.isna(before["label"]) else valence(before["label"], surprise)
        assert (label is None and pd.isna(after["label"])) or after["label"] == label
        sides = {valence(name, surprise): 0.0 for name in ("angry", "happy", "neutral")} | dict.fromkeys(TERNARY, 0.0)
        for name in TAXONOMIES["seven"]:
            if valence(name, surprise):
                sides[valence(name, surprise)] += before[f"prob_{name}"]
        total = sum(sides[name] for name in TERNARY)
        for name in TERNARY:
            expected = sides[name] / total if total > 0 else np.nan
            np.testing.assert_allclose(after[f"prob_{name}"], expected, rtol=1e-12)
