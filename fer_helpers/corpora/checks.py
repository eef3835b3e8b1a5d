"""What is wrong, or worth knowing, about a corpus before any model sees it: a table of findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import file_digest
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Counts
from fer_helpers.emotions import parse_emotion
from fer_helpers.media import NOTE, is_pictures, of_clip, pictures_of, probe

SHORT = 5  # frames; fewer leave little to choose key frames from
STILL = 0.01  # grey levels a frame; coding noise alone is more
LOOKED_AT = 100  # clips of which every frame is decoded, spread over the corpus
# Suffixes of pictures and videos, so that a clip that is not read is a problem and another file a remark.
_PICTURES_OR_VIDEOS = """
.3g2 .3gp .apng .asf .avif .dav .dng .dv .f4v .gif .heic .heif .hevc .ico .insv .j2k .jfif .jp2 .jpe .jxl .lrv .m2t
.m2ts .m2v .mjpeg .mjpg .mod .mpe .mpeg .mts .mxf .nef .ogg .ogv .pbm .pgm .pnm .ppm .psd .qt .raw .rm .rmvb .svg .tga
.tif .tiff .tod .ts .vob .wmv .y4m .yuv
"""
COLUMNS = ["problem", "what", "where", "clips", "examples"]


def findings(listed: pd.DataFrame, clips: pd.DataFrame, root: Path, published: Counts) -> pd.DataFrame:
    """What to know about a corpus, problems first: columns problem (bool), what, where, clips (number), examples.

    Clips with a picture in common are found by size, then by hash: of a video the whole file, of a folder its
    first, middle and last picture. Every frame is decoded, and motion measured, in LOOKED_AT clips.

    Args:
        listed: every clip, as `corpora.listed`.
        clips: the clips table of those that were looked into.
        root: folder that clips.path starts from.
        published: the authors' counts, as Corpus.published gives them.
    """
    root = root.resolve()
    found = [
        *_unreadable(clips),
        *_remarks(clips),
        *_counts(listed, published),
        *_outside(listed),
        *_unread(root),
        *_shared(clips, root),
        *_subjects(clips),
        *_short(clips),
        *_examined(clips, root),
        *_spread(clips),
    ]
    return pd.DataFrame(found, columns=COLUMNS).sort_values(
        "problem", ascending=False, kind="stable", ignore_index=True
    )


Finding = tuple[bool, str, str, int, str]


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _splits(clips: pd.DataFrame) -> str:
    return ", ".join(sorted(clips["split"].dropna().unique()))


def _by_reason(clips: pd.DataFrame, problem: bool, what: str) -> Iterator[Finding]:
    # Reasons that differ in a number only are one finding.
    for reason, group in clips.groupby(clips["reason"].fillna("").str.replace(r"\d+", "N", regex=True)):
        yield problem, f"{what}{reason}", _splits(group), len(group), _some(group["clip_id"])


def _unreadable(clips: pd.DataFrame) -> Iterator[Finding]:
    yield from _by_reason(clips[clips["status"] != "ok"], True, "not usable: ")


def _remarks(clips: pd.DataFrame) -> Iterator[Finding]:
    """Usable clips that something is said about; of a clip without a label it usually says why it has none."""
    said = clips[(clips["status"] == "ok") & clips["reason"].notna()]
    parts = said["reason"].str.split(rf"(?:^|; ){NOTE}", regex=True)
    odd = said.assign(reason=parts.str[0])[parts.str[0] != ""]
    yield from _by_reason(odd[odd["label"].notna()], True, "remark: ")
    yield from _by_reason(odd[odd["label"].isna()], False, "no label: ")
    yield from _by_reason(said.assign(reason=parts.str[1:]).explode("reason").dropna(subset="reason"), False, "")


def _counts(listed: pd.DataFrame, published: Counts) -> Iterator[Finding]:
    there = listed[listed["reason"].ne("listed, but not on disk")]
    words = there["label_original"].map(_canonical, na_action="ignore")
    for split, counts in published.items():
        in_split = there["split"].eq(split) if split else pd.Series(True, there.index)
        for word, n in counts.items():
            here = int((in_split & words.eq(_canonical(word)) if word else in_split).sum())
            if here != n:
                yield True, f"{word or 'clips'}: {here}, published: {n}", split, abs(here - n), ""


def _canonical(word: str) -> str:
    return parse_emotion(word) or word.casefold()


def _outside(listed: pd.DataFrame) -> Iterator[Finding]:
    others = listed[listed["label_original"].notna()]
    others = others[others["label_original"].map(parse_emotion).isna()]
    for word, group in others.groupby("label_original"):
        meant = group["label"].iloc[0]
        what = "without a label" if word == UNLABELLED else f"label {word!r}: not one of the seven"
        what += f", mapped to {meant}" if isinstance(meant, str) else ""
        yield False, what, _splits(group), len(group), _some(group["clip_id"])


def _unread(root: Path) -> Iterator[Finding]:
    for suffix, names in tree.unread(root).items():
        problem = suffix in _PICTURES_OR_VIDEOS.split()
        yield problem, f"files that are not read: {suffix}", "", len(names), _some(names)


# --- the same picture twice -----------------------------------------------------------------------------


def _shared(clips: pd.DataFrame, root: Path) -> Iterator[Finding]:
    usable = clips[clips["status"] == "ok"]
    found: dict[str, tuple[set[str], list[str]]] = {}
    twice = usable.loc[usable.duplicated(["path", "start_s"]), "path"].unique()  # one file, several ids
    by_path = usable.set_index("path")
    for group in [*_alike(usable["path"].unique().tolist(), root), *([path] for path in twice)]:
        # Pieces of one video are alike only where they begin at the same time.
        for _, same in by_path.loc[group].groupby("start_s"):
            if len(same) == 1:
                continue
            what = [
                *(["under different labels"] if same["label"].nunique() > 1 else []),
                *(["in several splits"] if same["split"].nunique() > 1 else []),
            ]
            for kind in what or ["in several clips"]:
                ids, examples = found.setdefault(kind, (set(), []))
                ids.update(same["clip_id"])
                examples.append(" = ".join(same["clip_id"].head(2)))
    for kind, (ids, examples) in found.items():
        harmless = kind == "in several clips"
        where = "" if harmless else _splits(usable[usable["clip_id"].isin(ids)])
        yield not harmless, f"the same picture {kind}", where, len(ids), _some(examples)


def _alike(paths: list[str], root: Path) -> list[list[str]]:
    """Groups of clips that share one of the files compared, each clip once in a group."""
    sampled = [(path, file) for path in paths for file in _sample(root / path, root)]
    sizes = pd.Series([file.stat().st_size for _, file in sampled], dtype=int)
    alike = [sampled[i] for i in np.flatnonzero(sizes.duplicated(keep=False))]
    digests = Parallel(n_jobs=-1, prefer="threads")(delayed(_digest)(file) for _, file in alike)
    groups: dict[bytes, list[str]] = {}
    for (path, _), digest in zip(alike, digests, strict=True):
        groups.setdefault(digest, []).append(path)
    unique = (list(dict.fromkeys(group)) for group in groups.values())
    return [group for group in unique if len(group) > 1]


def _sample(path: Path, root: Path) -> list[Path]:
    if not is_pictures(path):
        return [path]
    pictures = pictures_of(path, root)
    return list(dict.fromkeys(pictures[i] for i in (0, len(pictures) // 2, -1)))


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


# --- people, length, motion, size -----------------------------------------------------------------------


def _subjects(clips: pd.DataFrame) -> Iterator[Finding]:
    in_splits = clips.groupby("subject")["split"].nunique()
    shared = sorted(in_splits[in_splits > 1].index)
    if shared:
        n_clips = int(clips["subject"].isin(shared).sum())
        yield True, f"{len(shared)} subjects in several splits", _splits(clips), n_clips, _some(shared)


def _short(clips: pd.DataFrame) -> Iterator[Finding]:
    frames = clips["n_frames"]
    short = clips[(frames < SHORT) & (frames > 0) & (frames.max() > 1)]
    if len(short):
        yield False, f"fewer than {SHORT} frames", _splits(short), len(short), _some(short["clip_id"])


def _examined(clips: pd.DataFrame, root: Path) -> Iterator[Finding]:
    """What only decoding shows, in some of the clips."""
    usable = clips[clips["status"] == "ok"].drop_duplicates("path")
    if usable.empty:
        return
    some = usable.iloc[np.unique(np.linspace(0, len(usable) - 1, LOOKED_AT).astype(int))]
    seen = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_seen)(root / row.path, root, row) for row in some.itertuples()
    )
    table = some.assign(**pd.DataFrame(seen, index=some.index))
    of = f" (of {len(some)} clips examined)"
    if len(some) < len(usable):
        yield False, f"every frame was decoded in {len(some)} of {len(usable)} clips", "", len(some), ""
    broken = table[table["n_lost"] > 0]
    if len(broken):
        what = f"{broken['n_lost'].sum()} frames cannot be decoded{of}"
        yield True, what, _splits(broken), len(broken), _some(broken["clip_id"])
    several = table[table["n_sizes"] > 1]
    if len(several):
        what = f"pictures of several sizes in one folder{of}"
        yield False, what, _splits(several), len(several), _some(several["clip_id"])
    noted = table.explode("notes").dropna(subset="notes")
    for note, group in noted.groupby("notes"):
        yield False, f"in a folder: {note}{of}", _splits(group), len(group), _some(group["clip_id"])
    moving = table[table["n_frames"] > 1]
    still = moving[moving["motion"] <= STILL]
    if len(still):
        what = f"no motion (of {len(moving)} clips examined)"
        yield False, what, _splits(still), len(still), _some(still["clip_id"])


def _seen(path: Path, root: Path, clip: Any) -> dict[str, Any]:
    """A clip's greatest motion energy, grey levels, its frames lost, and what a folder's pictures are like."""
    first = int(np.searchsorted(probe(path, root).times, clip.start_s)) if clip.start_s else 0
    curve = of_clip(path, root, first, clip.n_frames)
    pictures = [probe(picture, root) for picture in pictures_of(path, root)] if path.is_dir() else []
    return {
        "motion": float(curve.energy(clip.n_frames).max(initial=0)),
        "n_lost": clip.n_frames - len(curve),
        "n_sizes": len({(one.width, one.height) for one in pictures if one.width}),
        "notes": sorted({note for one in pictures for note in one.notes}),
    }


def _spread(clips: pd.DataFrame) -> Iterator[Finding]:
    sizes = clips[["width", "height"]].dropna().astype(int)
    ordered = sizes.assign(area=sizes["width"] * sizes["height"]).sort_values("area").drop_duplicates()
    named = [f"{row.width} x {row.height}" for row in ordered.itertuples()]
    if len(named) > 1:
        yield False, f"{len(named)} picture sizes, {named[0]} to {named[-1]} pixels", "", len(sizes), ""
    rates = sorted(clips["fps"].dropna().round(2).unique())
    if any(b - a > 0.01 for a, b in pairwise(rates)):
        what = f"{len(rates)} frame rates, {rates[0]:g} to {rates[-1]:g} a second"
        yield False, what, "", int(clips["fps"].notna().sum()), ""


def report(table: pd.DataFrame) -> str:
    """`findings` as lines to read: a mark, what, where, how many and examples."""
    rows = [
        f"{'PROBLEM' if row.problem else 'note   '}  {row.what}"
        + (f" [{row.where}]" if row.where else "")
        + f": {row.clips} clip{'s' if row.clips != 1 else ''}"
        + (f" ({row.examples})" if row.examples else "")
        for row in table.itertuples()
    ]
    n = int(table["problem"].sum())
    return "\n".join([*rows, f"{n} problem{'s' if n != 1 else ''}" if n else "no problems"])
