"""What fits a damaged image, and the interval of a share."""

import numpy as np
import pytest
from scipy.stats import binom

from latentgrid.evaluation.completions import completed, completions
from latentgrid.evaluation.shares import of_share
from latentgrid.figures.comparisons import several_answers


def images(n, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, 2, 4, 5), dtype=np.uint8)


def test_those_that_agree_best_with_what_is_visible_come_first():
    training, damaged = images(300, 1), images(120, 2)
    visible = np.random.default_rng(3).random((120, 1, 4, 5)) < 0.4
    found = completions(damaged, visible, training, 7)
    for own, seen, nearest in zip(damaged, visible, found, strict=True):
        apart = ((training / 255 - own / 255) ** 2 * seen).sum(axis=(1, 2, 3))
        assert nearest.tolist() == np.argsort(apart)[:7].tolist()


def test_what_is_not_visible_decides_nothing():
    training = images(50)
    visible = np.zeros((1, 1, 4, 5), bool)
    visible[..., :2] = True
    one = completions(training[:1], visible, training, 5)
    other = completions(np.where(visible, training[:1], 9), visible, training, 5)
    assert one.tolist() == other.tolist()
    assert one[0, 0] == 0


def test_only_the_removed_pixels_are_filled():
    damaged, source = images(3, 1), images(3, 2)
    visible = np.random.default_rng(3).random((3, 1, 4, 5)) < 0.5
    filled = completed(damaged, visible, source)
    everywhere = np.broadcast_to(visible, damaged.shape)
    assert (filled[everywhere] == damaged[everywhere]).all()
    assert (filled[~everywhere] == source[~everywhere]).all()


def test_answers_are_set_against_the_mean_of_what_fits():
    """The mean itself is 0 from it; one that fits lies off as all of these do."""
    fits = np.stack([images(200, seed) for seed in range(8)], axis=1)
    mean = fits.mean(axis=1)
    answers = {"mean of 8 that fit": mean, "the mean": mean, "a draw": fits[:, 3]}
    *_, said = several_answers._seen(answers, fits, images(200, 9), np.zeros((200, 8), int))
    away = [float(part.split(" by ")[1].rstrip(".")) for part in said.replace(";", ",").split(",")]
    assert away[0] == 0
    assert away[1] == pytest.approx(away[2], rel=0.1)
    assert away[2] == pytest.approx(40 * 7 / 8 / 12, rel=0.05)  # 40 even pixels in [0, 1]


@pytest.mark.parametrize("share", [0.0, 0.005, 0.3, 1.0])
def test_the_interval_of_a_share_is_where_its_score_is_not_too_large(share):
    """Wilson's bounds solve |share − p| = z·√(p(1 − p)/n)."""
    interval = of_share(share, 400)
    for bound in (interval.low, interval.high):
        if bound > 1e-12 and bound < 1 - 1e-12:
            score = abs(share - bound) / (bound * (1 - bound) / 400) ** 0.5
            assert score == pytest.approx(1.96, abs=1e-3)
    assert -1e-12 <= interval.low <= share <= interval.high + 1e-12 <= 1 + 1e-11


def test_the_interval_covers_in_19_of_20_cases():
    p, n = 0.01, 10_000
    counts = np.arange(n + 1)
    covered = np.array([p in of_share(k / n, n) for k in counts[:400]])
    assert binom.pmf(counts[:400], n, p)[covered].sum() == pytest.approx(0.95, abs=0.01)
