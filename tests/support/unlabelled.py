"""A run over a corpus without labels, made of its tables alone, whose truth only the test knows."""

import numpy as np
import pandas as pd

from fer_helpers import params, tables
from fer_helpers.emotions import SEVEN
from fer_helpers.runs import open_run, write_manifest


def make_unlabelled(folder, world, **more):
    """A run in `folder` of `world`, a population of tests.estimation.worlds: soft_vote's labels are the world's.

    The other strategy, single_frame, says something else of every fifth clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = params.Params(out=str(folder), strategy_shown="soft_vote", taxonomies=["seven"], **more)
    write_manifest(folder, {"params": shown.model_dump()})
    run = open_run(folder)
    run.write("clips", clips_of(world))
    for name in ("frames", "requests", "answers"):
        run.write(name, tables.empty(name))
    write_predictions(run, predictions_of(world))
    return run


def clips_of(world):
    """The clips table of `world`."""
    return world[["clip_id", "path", "subject", "status"]].assign(start_s=0.0)


def predictions_of(world, cost=0.001):
    """The predictions table of `world`, as notebook 04 would make it."""
    own = world[["clip_id", "label", "confidence", *tables.PROBABILITIES]].assign(
        strategy="soft_vote", model="made-up", taxonomy="seven", asked="seven", n_votes=5, tie=False, status="ok"
    )
    turned = np.array(SEVEN)[(pd.Categorical(world["label"], SEVEN).codes + 1) % 7]
    other = own.assign(strategy="single_frame", label=np.where(np.arange(len(own)) % 5, own["label"], turned))
    return tables.check("predictions", pd.concat([other, own]).assign(cost_usd=cost))


def write_predictions(run, predictions):
    """What notebook 04 would leave: no scores."""
    run.write("predictions", predictions)
    run.write("scores", tables.empty("scores"))
