"""What a run does otherwise than the source of its prompt did: notices, for nothing is refused; pure."""

from __future__ import annotations

from collections.abc import Sequence

from fer_helpers.prompting.prompts import find
from fer_helpers.prompting.strategies import find as strategy_of


def differences(prompt: str, strategies: Sequence[str], n_frames: int | None, label_order: str) -> list[str]:
    """Sentences on the frames of a request and the order of the labels, where they differ from the source's.

    Args:
        prompt: its name.
        strategies: of the run.
        n_frames: key frames of a clip; None: clips differ.
        label_order: the run's parameter.
    """
    asked, found = find(prompt), []
    if asked.frames and n_frames is None:
        found.append(f"The source of prompt {prompt} asked about {asked.frames} frame(s) at once; here clips differ.")
    elif asked.frames and n_frames:
        sizes = {name: {len(group) for group in strategy_of(name).groups(range(n_frames))} for name in strategies}
        others = sorted({max(size) for size in sizes.values()} - {asked.frames})
        here = "; ".join(f"{', '.join(name for name in sizes if max(sizes[name]) == n)} about {n}" for n in others)
        if here:
            found.append(f"The source of prompt {prompt} asked about {asked.frames} frame(s) at once; here {here}.")
    if asked.order and label_order != "fixed":
        found.append(f"The source of prompt {prompt} named the labels in one order; here it is {label_order}.")
    return found
