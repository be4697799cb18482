"""What is compared with what when building blocks are exchanged, and what comes of it."""

import math

import numpy as np
import pandas as pd
import pytest

from latentgrid.evaluation.ablation import COLUMNS, ablation_table
from latentgrid.evaluation.intervals import of_mean


def a_run(error, seed=0, entry="blocks", model="conv_ae", **settings):
    settings = {"latent_dim": 8, "planned_epochs": 5, "batch_size": 32} | settings
    row = {"entry": entry, "model": model, "seed": seed, "test_squared_error": error}
    return {**row, "status": "finished", "parameters": 100, **settings}


def tabled(*rows):
    runs = pd.DataFrame(rows)
    runs.insert(0, "run", [f"run {number}" for number in range(len(rows))])
    return ablation_table(runs)


def compared(table):
    return [tuple(row) for row in table[["question", "choice", "against"]].to_numpy()]


def test_the_effect_is_the_geometric_mean_of_the_ratios_of_pairs_of_one_seed():
    baseline, choice = [10.0, 20.0, 40.0], [11.0, 26.0, 40.0]
    table = tabled(
        *(a_run(error, seed) for seed, error in enumerate(baseline)),
        # In another order and another entry, and without the default values of the baseline.
        *(a_run(choice[seed], seed, "padding", padding="reflect") for seed in (2, 0, 1)),
    )
    assert compared(table) == [("padding", "reflect", "zeros")]
    row = table.iloc[0]
    assert row["n"] == 3
    assert row["effect"] == pytest.approx(100 * (math.cbrt(1.1 * 1.3 * 1.0) - 1))
    interval = of_mean([math.log(1.1), math.log(1.3), 0.0])
    assert [row["low"], row["high"]] == pytest.approx(
        [100 * math.expm1(interval.low), 100 * math.expm1(interval.high)]
    )
    assert row["test_squared_error"] == pytest.approx(np.mean(choice))
    assert set(row["runs"].split(";")) == {f"run {number}" for number in range(6)}


def test_fewer_than_three_seeds_have_no_interval():
    table = tabled(a_run(10.0), a_run(15.0, padding="reflect"))
    assert table["effect"].tolist() == pytest.approx([50])
    assert table[["low", "high"]].isna().all(axis=None)


def test_the_baseline_is_what_most_others_differ_from_in_one_block():
    batch = {"normalisation": "batch"}
    table = tabled(
        a_run(10.0),
        a_run(9.0, **batch),
        a_run(8.0, **batch, padding="reflect"),
        a_run(7.0, **batch, upsampling="nearest"),
        a_run(6.0, **batch, upsampling="nearest", padding="circular"),
    )
    assert compared(table) == [
        ("padding", "reflect", "zeros"),
        ("upsampling", "nearest", "transposed"),
        ("normalisation", "none", "batch"),
    ]
    assert table["effect"].tolist() == pytest.approx([100 * (e / 9 - 1) for e in (8, 7, 10)])


@pytest.mark.parametrize(
    "other", [{"latent_dim": 2}, {"planned_epochs": 6}, {"batch_size": 64}, {"channels": 3}]
)
def test_runs_that_differ_in_something_else_too_are_not_compared(other):
    assert tabled(a_run(10.0), a_run(9.0, padding="reflect", **other)).empty


def test_a_run_that_did_not_finish_is_not_compared():
    assert tabled(a_run(10.0), a_run(9.0, padding="none") | {"status": "diverged"}).empty


def test_residual_blocks_are_compared_with_as_many_plain_ones():
    table = tabled(
        *(a_run(10.0 * depth, block="plain", depth=depth) for depth in (1, 4)),
        *(a_run(5.0, block="residual", depth=depth) for depth in (1, 4, 9)),
    )
    table = table[table["question"] == "depth"]
    assert table["level"].tolist() == [1, 4]
    assert set(compared(table)) == {("depth", "residual", "plain")}
    assert table["effect"].tolist() == pytest.approx([-50, -87.5])


def test_normalisations_are_compared_with_none_in_batches_of_one_size():
    table = tabled(
        *(a_run(10.0, batch_size=size) for size in (2, 32)),
        a_run(9.0, normalisation="layer"),  # at one size alone
        *(
            a_run(10.0 * error, normalisation="batch", batch_size=size)
            for size, error in ((2, 3), (32, 0.5))
        ),
    )
    table = table[table["question"] == "batch_size"]
    assert table["level"].tolist() == [2, 32]
    assert table["effect"].tolist() == pytest.approx([200, -50])


def test_two_small_kernels_are_compared_with_a_large_one():
    table = tabled(
        a_run(10.0),
        a_run(8.0, block="plain") | {"parameters": 136},
        a_run(4.0, block="wide") | {"parameters": 150},
    )
    kernel = table[table["question"] == "kernel"]
    assert compared(kernel) == [("kernel", "plain", "wide")]
    row = kernel.iloc[0]
    assert (row["effect"], row["parameters"], row["parameters_against"]) == (
        pytest.approx(100),
        136,
        150,
    )


def test_models_without_blocks_and_runs_without_measures_have_no_rows():
    assert tabled(a_run(10.0, model="ae", hidden=5), a_run(9.0, model="ae", hidden=6)).empty
    unmeasured = pd.DataFrame({"run": ["a"], "model": ["conv_ae"]})
    assert list(ablation_table(unmeasured).columns) == COLUMNS
