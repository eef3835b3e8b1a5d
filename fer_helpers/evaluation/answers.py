"""The answer to each notebook's question, in sentences computed from its tables; pure.

Every sentence changes with the tables, and every list of them ends with what the answer does not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import statuses
from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation.scores import wilson


def said_share(hits: pd.Series, groups: pd.Series, n_resamples: int = 2000, seed: int = 1) -> str:
    """Share of true values in words, with its 95 % interval over `groups` (subjects, or single clips).

    >>> said_share(pd.Series([True, False]), pd.Series(["a", "b"]))
    '1 of 2 (50 %, 95 % interval 9 to 91 %)'
    """
    if not len(hits):
        return "0 of 0"
    values, n = hits.to_numpy(float), len(hits)
    low, high = (
        wilson(values.sum(), n) if groups.is_unique else mean_interval(values, groups.to_numpy(), n_resamples, seed)
    )
    interval = (
        "too few people for an interval" if np.isnan(low) else f"95 % interval {low * 100:.0f} to {per_cent(high)}"
    )
    return f"{hits.sum():.0f} of {n} ({per_cent(hits.mean())}, {interval})"


def said_value(row: pd.Series, few: str) -> str:
    """A row's value and 95 % interval in a sentence; `few` names what there are too few of where it has none."""
    if np.isnan(row["ci_low"]):
        return f"{row['value']:.2f} (too few {few} for an interval)"
    return f"{row['value']:.2f} (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f})"


def per_cent(share: float) -> str:
    """A share in words: 0.5 is "50 %"."""
    return f"{share * 100:.0f} %"


def people_or_clips(clips: pd.DataFrame) -> pd.Series:
    """What rows are grouped by for an interval: their subject where all have one, else their clip."""
    known = "subject" in clips and len(clips) and clips["subject"].notna().all()
    return clips["subject"] if known else clips["clip_id"]


def listed(words: Iterable[Any], joint: str = "and") -> str:
    """Words as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = [str(word) for word in words] or ["none"]
    return f"{', '.join(most)} {joint} {last}" if most else last


def of_corpus(clips: pd.DataFrame, n_problems: int) -> list[str]:
    """Notebook 01: which clips there are, how labels are spread, and what could mislead.

    Args:
        clips: the clips table.
        n_problems: what `corpora.checks` found.
    """
    readable, labelled = clips[clips["status"] == statuses.OK], clips[clips["label"].notna()]
    subjects = f" of {clips['subject'].nunique()} people" if clips["subject"].notna().any() else ""
    found = [
        f"{len(clips)} clips{subjects} are in the table; {len(clips) - len(readable)} of them cannot be read, and "
        f"{len(labelled)} have a true label. The check of the corpus found {n_problems or 'no'} "
        f"problem{'' if n_problems == 1 else 's'}."
    ]
    if labelled.empty:
        return [*found, "Without true labels, nothing here can say how often an annotator is right."]
    counts = labelled["label"].value_counts()
    n, rare = len(labelled), int(counts.iloc[-1])
    low, high = wilson(rare / 2, rare)
    found.append(
        f"{counts.index[0]} is the most frequent label, {counts.iloc[0]} of {n} clips: an annotator has to beat an "
        f"accuracy (WAR) of {counts.iloc[0] / n:.2f} and a mean recall (UAR) of {1 / len(counts):.2f}, which saying "
        f"{counts.index[0]} every time would reach. {counts.index[-1]} is the rarest, with {rare} "
        f"clip{'' if rare == 1 else 's'}: a recall of one half would have a 95 % interval from {low:.2f} to {high:.2f}."
    )
    found += [_leak(labelled, column, word) for column, word in (("scene", "scene"), ("subject", "person"))]
    return [
        *(sentence for sentence in found if sentence),
        "Not shown: whether the true labels are right, and whether a face can be seen in every clip.",
    ]


def _leak(labelled: pd.DataFrame, column: str, word: str) -> str:
    """How often the commonest label of a clip's scene or person would be right, beside the commonest of all."""
    known = labelled[labelled[column].notna()]
    if known[column].nunique() < 2:
        return ""
    by_group = known.groupby(column)["label"].agg(lambda labels: labels.value_counts().iloc[0]).sum()
    overall = known["label"].value_counts().iloc[0]
    return (
        f"Saying the commonest label of a clip's {word} would be right for {per_cent(by_group / len(known))} of the "
        f"clips, against {per_cent(overall / len(known))} for the commonest of all; some of that is chance, because "
        "the same clips were counted."
    )


def of_frames(frames: pd.DataFrame, choice: str, kb_per_clip: float, tokens: int, model: str) -> list[str]:
    """Notebook 02: which frames are sent, and what they cost.

    Args:
        frames: the frames table.
        choice: `frame_choice`.
        kb_per_clip: kilobytes of a clip's key frames.
        tokens: of one key frame at low detail, for `model`.
        model: name of a hosted model.
    """
    ok = frames[frames["status"] == statuses.OK]
    n_clips, n_with = frames["clip_id"].nunique(), ok["clip_id"].nunique()
    per_clip = ok.groupby("clip_id").size()
    gaps = ok.sort_values(["clip_id", "frame_index"]).groupby("clip_id")["time_s"].diff().dropna()
    found = [
        f"The choice {choice} keeps {len(ok)} key frames of {n_with} of {n_clips} clips, "
        f"{_from_to(per_clip)} a clip; {n_clips - n_with} clips have none and will be missing, not wrong.",
        f"A clip's key frames are {kb_per_clip:.0f} kB and, at low detail, {tokens * len(ok) / max(n_with, 1):.0f} "
        f"tokens for {model}: asked about one frame instead of all, {tokens}.",
    ]
    if len(gaps):
        found.append(
            f"Neighbouring key frames are {gaps.median():.2f} s apart (median; nine in ten at most "
            f"{gaps.quantile(0.9):.2f} s): an expression shorter than that can fall between two of them."
        )
    return [
        *found,
        "Not shown: which choice gives the better labels. Only runs that differ in `frame_choice` or `n_frames`, "
        "compared with `fer-helpers compare`, can say that.",
    ]


def _from_to(numbers: pd.Series) -> str:
    return (
        "0" if numbers.empty else f"{min(numbers)}" if numbers.nunique() == 1 else f"{min(numbers)} to {max(numbers)}"
    )


def of_asking(replies: pd.DataFrame, clips: pd.DataFrame, taxonomy: str) -> list[str]:
    """Notebook 03: what came back, and whether all key frames at once are seen as each of them is.

    Args:
        replies: requests joined with their answers; frame_indices, mosaic, taxonomy, status and label.
        clips: the clips table.
        taxonomy: label set of the sentences about labels.
    """
    failed = replies.loc[replies["status"] != statuses.OK, "status"].value_counts()
    why = f" ({', '.join(f'{n} {name}' for name, n in failed.items())})" if len(failed) else ""
    found = [f"{len(replies) - failed.sum()} of {len(replies)} requests have a label; {failed.sum()} have none{why}."]
    good = replies[(replies["taxonomy"] == taxonomy) & (replies["status"] == statuses.OK) & ~replies["mosaic"]]
    n_frames = good["frame_indices"].map(len)
    one, all_of = good[n_frames == 1], good[n_frames == n_frames.groupby(good["clip_id"]).transform("max")]
    all_of = all_of[all_of["frame_indices"].map(len) > 1].drop_duplicates("clip_id").set_index("clip_id")["label"]
    clip = good.loc[n_frames == 0, "label"]
    ways = {"one key frame at a time": one["label"], "all key frames of a clip at once": all_of, "the video": clip}
    for name, labels in ways.items():
        if len(labels):
            shares = labels.value_counts(normalize=True)
            first, *second = [f"{label} ({per_cent(share)})" for label, share in shares.head(2).items()]
            found.append(f"Shown {name}, the model most often says {listed([first, *second])}.")
    by_clip = (
        one.groupby("clip_id")["label"]
        .agg(["nunique", lambda labels: labels.mode().iloc[0]])
        .set_axis(["kinds", "commonest"], axis=1)
    )
    groups = people_or_clips(clips.set_index("clip_id", drop=False)).rename(None)
    if len(by_clip) and (one.groupby("clip_id").size() > 1).any():
        alike = said_share(by_clip["kinds"] == 1, groups.reindex(by_clip.index))
        found.append(f"Every key frame gets the same label in {alike} clips.")
    both = by_clip.join(all_of.rename("together"), how="inner")
    if len(both):
        same = said_share(both["together"] == both["commonest"], groups.reindex(both.index))
        found.append(f"The label for all key frames at once is the commonest of the single frames in {same} clips.")
    return [*found, "Not shown: whether any of these labels is right, and whether the model would say the same again."]
