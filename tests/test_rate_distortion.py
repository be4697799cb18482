"""The figure of rate and distortion: its points, its lines, what it says, and when it is empty."""

import numpy as np
import pandas as pd
import pytest

from latentgrid.figures.comparisons import rate_distortion
from legible import complaints
from tiny import LAYOUT, a_run, tiny_results

SMALL = {"hidden": 4}
RUNS = [
    a_run("vae_bce", latent_dim=2, **SMALL),
    a_run("vae_bce", latent_dim=5, **SMALL),
    a_run("beta_vae", latent_dim=5, **SMALL),
    a_run("aae", latent_dim=5, **SMALL),
]
MEASURED = {
    "rate": [5.0, 12.0, 20.0, np.nan],
    "distortion": [100.0, 90.0, 95.0, np.nan],
    "elbo": [-105.0, -102.0, -115.0, np.nan],
    "importance_bound": [-103.0, -99.0, -108.0, np.nan],
    "importance_bound_se": [1.0, 2.0, 3.0, np.nan],
    "likelihood_images": [50, 50, 50, np.nan],
    "likelihood_draws": [500, 500, 500, np.nan],
    "active_units": [2, 4, 5, np.nan],
}


@pytest.fixture
def results(few_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tiny_results(few_images, RUNS)


@pytest.fixture
def drawing(results):
    file = LAYOUT.tables / "runs.csv"
    pd.read_csv(file).assign(**MEASURED).to_csv(file, index=False)
    return rate_distortion.draw(results)


def test_every_measured_run_is_a_point_of_its_entry(drawing):
    assert not complaints(drawing.figure)
    lines = drawing.figure.axes[0].lines
    drawn = {line.get_label(): line for line in lines if not line.get_label().startswith("_")}
    points = {entry: line.get_xydata().tolist() for entry, line in drawn.items()}
    assert points == {"vae_bce": [[5.0, 100.0], [12.0, 90.0]], "beta_vae": [[20.0, 95.0]]}
    assert len({line.get_color() for line in drawn.values()}) == 2
    assert len({line.get_marker() for line in drawn.values()}) == 2


def test_along_a_line_the_sum_is_the_elbo_at_its_end(drawing):
    panel = drawing.figure.axes[0]
    (right_axis,) = panel.child_axes
    lines = [line.get_xydata() for line in panel.lines if line.get_label().startswith("_")]
    assert len(lines) > 2
    for line in lines:
        assert line[:, 0].tolist() == list(panel.get_xlim())
        np.testing.assert_allclose(line.sum(axis=1), line.sum(axis=1)[0])
    (bottom, top), elbos = panel.get_ylim(), [-line[0].sum() for line in lines]
    named = [elbo for elbo, line in zip(elbos, lines, strict=True) if bottom <= line[1, 1] <= top]
    assert len(named) > 2
    np.testing.assert_allclose(sorted(right_axis.get_yticks()), sorted(named))
    drawing.figure.draw_without_rendering()
    heights = panel.transData.transform([(0, line[1, 1]) for line in lines])[:, 1]
    names = {label.get_text(): label.get_window_extent() for label in right_axis.get_yticklabels()}
    for elbo, height in zip(elbos, heights, strict=True):
        if elbo in named:
            box = names[f"−{-elbo:g}"]
            assert box.y0 < height < box.y1


def test_it_says_each_entrys_largest_bound_from_best_to_worst(drawing):
    bounds, gap, codes = drawing.seen
    built = "d = 5, hidden 4"
    assert "from 500 draws for each of 50 binarised" in bounds
    assert bounds.endswith(f"vae_bce ({built}) −99.0 ± 2.0, beta_vae ({built}) −108.0 ± 3.0.")
    assert "lies 3.0 to 7.0 nats lower" in gap
    assert codes.endswith(f"vae_bce ({built}) 12.0 nats in 4, beta_vae ({built}) 20.0 nats in 5.")


def test_without_bounds_there_is_nothing_to_draw(results):
    assert "evaluation.likelihood" in rate_distortion.draw(results).missing
