"""What a run has to ask of its server, as far as is known what the server can do."""

from __future__ import annotations

import pandas as pd

from fer_helpers.annotation import access, capabilities
from fer_helpers.annotation.archive import Archive
from fer_helpers.annotation.capabilities import Capabilities
from fer_helpers.errors import EndpointError, ParamsError
from fer_helpers.prompting import content, planning
from fer_helpers.runs import Run


def planned(run: Run, frames: pd.DataFrame, found: Capabilities) -> pd.DataFrame:
    """The requests table of `run` at a server that can do what `found` says."""
    asking = run.asking(**found.asking)
    return planning.plan(frames, run.params.strategies, run.params.taxonomies, asking, videos(run))


def videos(run: Run) -> pd.DataFrame | None:
    """The videos table, if a strategy of `run` asks about clips themselves.

    Raises:
        ParamsError: none were made.
    """
    if not content.wants_clips(run.params.strategies):
        return None
    if not run.params.clip_size:
        raise ParamsError("strategy whole_clip needs videos: set clip_size, such as 384, and run notebook 02 again")
    return run.read("videos")


def learn(run: Run, frames: pd.DataFrame, archive: Archive, again: bool = False) -> Capabilities:
    """What the run's server can do: remembered, or found out by a few requests about a grey square.

    Raises:
        EndpointError: as `capabilities.learn`.
    """
    to = access.of(run.params)
    if to.base_url == access.REPLAY:
        return capabilities.of_replay(run.params.model, archive, lambda found: planned(run, frames, found))
    if to.base_url == access.EMBEDDED:
        return capabilities.ASSUMED
    together = planned(run, frames, capabilities.ASSUMED).loc[lambda rows: ~rows["mosaic"], "frame_indices"]
    most = max(1, int(together.map(len).max())) if len(together) else 1
    return capabilities.learn(to, run.asking(), archive, most, again, content.wants_clips(run.params.strategies))


def known(run: Run, archive: Archive) -> Capabilities | None:
    """What is remembered of the run's server, without asking it anything; None if nothing is."""
    return capabilities.known(access.of(run.params), run.params.model, archive)


def of_batch(run: Run, frames: pd.DataFrame, archive: Archive) -> pd.DataFrame:
    """The requests table for batches, which cannot find out what their server can do.

    Raises:
        EndpointError: nothing is remembered of the server, and the parameters do not say it either.
    """
    found = known(run, archive)
    if found is None and run.params.reply_form == "auto":
        raise EndpointError(
            f"what {run.params.base_url} can do is not known, and a batch cannot probe it: run `fer-helpers probe`, "
            "or set reply_form, to schema+logprobs for OpenAI"
        )
    if content.wants_clips(run.params.strategies) and not (found and found.video):
        raise EndpointError(
            f"whether {run.params.base_url} takes videos is not known, and a batch cannot probe it: run "
            "`fer-helpers probe`, or leave whole_clip out of strategies"
        )
    return planned(run, frames, found or capabilities.ASSUMED)
