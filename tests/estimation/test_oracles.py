"""Estimates equal to what independent libraries compute: figures frozen here, with the code that made them."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.estimation import CORPUS, by_clip, estimate_shares, linearised, p_value
from tests.estimation.worlds import population

HAPPY, SAD = SEVEN.index("happy"), SEVEN.index("sad")


def estimated(said_right: tuple[int, int], said_wrong: tuple[int, int], sizes: tuple[int, int], stratum: list[str]):
    """The row of both for "happy": clips by the model's label, happy then sad; labelled: truly happy, truly not."""
    label = np.repeat([HAPPY, SAD], sizes)
    clips = population(label, np.full(len(label), 0.5), np.arange(len(label)))
    truth = np.repeat(["happy", "sad"] * 2, [*said_right, *said_wrong])
    first = np.r_[: sum(said_right), sizes[0] : sizes[0] + sum(said_wrong)]
    ids = clips["clip_id"].iloc[first].to_numpy()
    sample = pd.DataFrame(
        {"clip_id": ids, "queue": "core", "stratum": np.repeat(stratum, [sum(said_right), sum(said_wrong)])}
    )
    sample = sample.assign(probability=0.5, order=range(len(ids)))
    said = pd.DataFrame({"clip_id": ids, "rater": "r", "label": truth})
    table = estimate_shares(clips, sample, by_clip(said)).set_index(["quantity", "target", "source"])
    return table.loc[("share: happy", CORPUS, "both")]


def test_a_simple_draw_is_ppi_pys_mean():
    """ppi-python 0.2.3 (Angelopoulos et al. 2023), in numpy 2.4:

    f = np.repeat([1., 0], [450, 750]); y = np.repeat([1., 0, 1, 0], [20, 5, 4, 31]); g = np.repeat([1., 0], [25, 35])
    lam = np.cov(y, g)[0, 1] / f.var()
    ppi_mean_pointestimate(y, g, f, lam=lam), ppi_mean_ci(y, g, f, alpha=0.05, lam=lam)

    There the 1,200 clips are a sample themselves, the variance is divided by n, and the draw is with replacement.
    """
    lam, value, low, high = 0.7231638418079093, 0.36986817, 0.27787378, 0.46186257
    both = estimated((20, 5), (4, 31), (450, 750), ["all", "all"])
    own = ((high - low) / 2 / 1.959964) ** 2 - lam**2 * (0.375 * 0.625) / 1200
    assert both["value"] == pytest.approx(value, abs=1e-7)
    assert both["error"] == pytest.approx((own * 60 / 59 * (1 - 60 / 1200)) ** 0.5, rel=1e-5)


def test_a_stratified_draw_is_samplics_mean():
    """samplics 0.6.1, 25 of 50 and 35 of 150 labelled:

    C, N = np.array([[20, 5], [4, 31]]), np.array([50, 150])
    h, k = map(np.array, zip(*[(h, k) for h in (0, 1) for k in (0, 1) for _ in range(C[h, k])]))
    t = TaylorEstimator(PopParam.mean)
    t.estimate(y=(k == 0) * 1., samp_weight=(N / C.sum(1))[h], stratum=h, fpc=dict(enumerate(1 - C.sum(1) / N)))
    t.point_est, t.stderror
    """
    both = estimated((20, 5), (4, 31), (50, 150), ["happy", "sad"])
    assert (both["value"], both["error"]) == pytest.approx((0.28571428571428575, 0.03862961168274286))


def test_war_and_recalls_are_samplics_ratios():
    """samplics 0.6.1 on Olofsson's table: as above with its C and N; h == k by PopParam.mean, and for each class c

    t = TaylorEstimator(PopParam.ratio)
    t.estimate(y=((h == k) & (k == c)) * 1., x=(k == c) * 1., samp_weight=..., stratum=h, fpc=...)
    """
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    table = linearised(counts, np.array([200_000, 150_000, 3_200_000, 6_450_000]))
    rows = table.loc[["WAR", "recall 0", "recall 1", "recall 2", "recall 3"]]
    values = [0.946511888111888, 0.7486614048308412, 0.8471563981042655, 0.9345089085796925, 0.9616089928314558]
    errors = [0.009430153002459576, 0.10882869783192398, 0.12979677114696286, 0.01751196005439532, 0.009367856719033056]
    assert rows["value"].tolist() == pytest.approx(values)
    assert rows["error"].tolist() == pytest.approx(errors)


@pytest.mark.parametrize("k", range(4))
def test_the_p_value_is_the_share_of_all_draws(k):
    """12 clips accepted, of which 0.2 may be wrong: three are one too many; all 495 draws of four."""
    draws = [sum(clip < 3 for clip in drawn) <= k for drawn in combinations(range(12), 4)]
    assert p_value(12, 4, k, 0.2) == pytest.approx(np.mean(draws))
