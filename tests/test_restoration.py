"""Whether restored images are means of what they could be: the measure, and source 003's claim."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

from latentgrid.evaluation.controls import KnownRun, balanced
from latentgrid.evaluation.measures import restoration
from latentgrid.results.trained import TestSet
from project import ROOT

CLAIM = ROOT / "studies" / "auto-encoders-slides" / "claims" / "squared_error_mean.py"


def test_of_a_gaussian_the_mean_has_the_slope_one_and_a_draw_has_not():
    """x = s + e, where s is seen; the mean of x is s, and another draw is s + e'."""
    draws = np.random.default_rng(0)
    seen, hidden, other = (draws.normal(0, sd, (4000, 1, 1, 3)) for sd in (2, 1, 1))
    mean, clean = np.full((1, 1, 3), 7.0), 7 + seen + hidden
    assert restoration.against_clean(7 + seen, clean, mean) == pytest.approx((0.8, 1), abs=0.02)
    assert restoration.against_clean(7 + seen + other, clean, mean) == pytest.approx(
        (1, 0.8), abs=0.02
    )


def test_only_models_that_remove_damage_are_measured():
    images = np.zeros((4, 1, 1, 2), np.uint8)
    test = TestSet(images, balanced(4))
    assert not restoration.measure(KnownRun("ae", {"reconstructions": images}), test)
    assert restoration.measure(KnownRun("dae", {}), test) == {}


def examined(spread, slope):
    spec = importlib.util.spec_from_file_location("squared_error_mean", CLAIM)
    claim = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(claim)
    rows = [
        {"run": f"{m}/{s}", "model": m, "corruption": c, "seed": s, "latent_dim": 32}
        | ({"restored_spread": spread, "restored_slope": slope} if m == "dae" else {})
        for m, c in (("dae", "block"), ("dae", "blur"), ("ae", None))
        for s in (0, 1, 2)
    ]
    return list(claim.examine(pd.DataFrame(rows)))


def test_the_claim_holds_of_a_mean_and_not_of_draws():
    for spread, slope, holds in ((0.7, 1.02, (True, True)), (1.0, 0.7, (False, False))):
        parts = examined(spread, slope)
        assert tuple(part.effect.mean > 0 for part in parts[:2]) == holds
        assert all(len(part.effect.values) == len(part.used) == 3 for part in parts[:2])
        assert not any(len(part.effect.values) for part in parts[2:])  # no run of pixels_90
