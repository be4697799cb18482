"""Quality control: each flag, raised by what deserves it and by nothing else."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from latentgrid.errors import UserError
from latentgrid.evaluation import quality
from latentgrid.evaluation.quality import Kind, last_steepness
from latentgrid.files.atomic import write_json
from latentgrid.files.run_files import RunFiles
from latentgrid.report.quality import Quality
from latentgrid.results.trained import TrainedRun
from tiny import seal, write_config

EPOCHS = 10


def runs(n=4, **columns):
    """A table of n finished runs of `vae`, with other columns or other values in them."""
    values = {
        "run": [f"vae/{i}" for i in range(n)],
        "entry": "vae",
        "model": "vae",
        "planned_epochs": EPOCHS,
        "status": "finished",
        "reason": None,
        "epochs": EPOCHS,
        "silhouette": np.linspace(0.1, 0.4, n),
    }
    return pd.DataFrame(values | columns)


def controls(*rows):
    columns = [
        *("measure", "case", "expected_low", "expected_high", "value", "inside", "why", "runs")
    ]
    return pd.DataFrame([dict(zip(columns, row, strict=True)) for row in rows], columns=columns)


def found(flags):
    return [(str(flag.flag), flag.where, flag.found) for flag in flags]


FALLEN = [10.0, 4, 3, 2.5, 2.2, 2.1, 2.05, 2.02, 2.01, 2.0]


def test_sound_results_raise_no_flag():
    history = pd.DataFrame(
        [
            {"run": f"vae/{i}", "epoch": epoch, "train_loss": loss}
            for i in range(4)
            for epoch, loss in enumerate(FALLEN, start=1)
        ]
    )
    verdicts = pd.DataFrame({"study": "a-2020", "table": ["VII.1"] * 2, "n": [3, 3]})
    verdicts["verdict"] = "reproduced"
    inside = controls(("silhouette", "a case", 0, 1, 0.5, "yes", "by hand", np.nan))
    flags = quality.table(inside, runs(), history, verdicts, {})
    assert flags.empty
    assert list(flags.columns) == quality.COLUMNS


def test_a_measure_outside_its_control_is_flagged_with_its_range_and_reason():
    inside = ("silhouette", "a case", 0.0, 1.0, 0.5, "yes", "by hand", np.nan)
    out = ("elbo", "another", -2.5, -1.5, 3.25, "no", "closed form", "lenet5/seed=0")
    (flag,) = quality.outside(controls(inside, out))
    assert (flag.flag, flag.where, flag.rule) == (Kind.OUTSIDE, "elbo", "closed form")
    assert flag.found == "another: 3.25, expected −2.5 to −1.5"
    assert flag.runs == "lenet5/seed=0"


def test_a_plugins_measure_without_controls_is_flagged_and_no_term_of_a_loss_is():
    table = runs(mine=[1.0, 2, 3, 4], train_kl=[1.0, 2, 3, 4], elbo_se=1.0, likelihood_draws=5)
    known = controls(*((name, "", 0, 1, 0, "yes", "", "") for name in ("silhouette", "elbo")))
    history = pd.DataFrame(columns=["run", "epoch", "train_kl"])
    assert [flag.where for flag in quality.uncontrolled(known, table, history)] == ["mine"]


def test_runs_that_were_cut_short_are_flagged():
    table = runs(
        status=["finished", "diverged", "failed", "finished"],
        reason=[None, "train_loss was nan in epoch 3", "out of memory", None],
        epochs=[EPOCHS, 2, np.nan, 7],
    )
    assert found(quality.cut_short(table)) == [
        (
            "cut short",
            "vae/1",
            "diverged after 2 of 10 epochs, train_loss was nan in epoch 3",
        ),
        ("cut short", "vae/2", "failed after 0 of 10 epochs, out of memory"),
        ("cut short", "vae/3", "7 of 10 epochs"),
    ]


@pytest.mark.parametrize(
    ("losses", "steepness"),
    [
        *((range(n, 0, -1), 1) for n in range(5, 26)),  # an even fall
        ([10, 6, 4, 2, 1], 1 / (9 / 4)),  # the last of four steps, which bring 9
        ([10, 1, 0, 0, 0], 0),
        ([10, 9, 8, 7], 0),  # too few epochs to say
        ([1, 2, 3, 4, 5], 0),  # it rose
        ([3, 3, 3, 3, 3], 0),
        (FALLEN, (0.02 / 2) / (8 / 9)),
    ],
)
def test_how_steeply_a_loss_falls_in_the_last_fifth(losses, steepness):
    assert last_steepness([float(loss) for loss in losses]) == pytest.approx(steepness)


def test_a_loss_that_still_falls_is_flagged_where_it_ranks_runs():
    table = runs(model=["vae", "vae", "gan", "vae"], status=["finished"] * 3 + ["diverged"])
    steady = np.linspace(10, 1, EPOCHS)
    history = pd.DataFrame(
        [
            {"run": f"vae/{i}", "epoch": epoch, "train_loss": loss}
            for i, curve in enumerate((FALLEN, steady, steady, steady))
            for epoch, loss in enumerate(curve, start=1)
        ]
    )
    (flag,) = quality.falling(table, history)
    assert (flag.flag, flag.where, flag.runs) == (Kind.FALLING, "vae/1", "vae/1")
    assert flag.found == "100 % of that rate in the last fifth of its 10 epochs"


def trained(folder, kept):
    """A run of ten epochs that was to keep snapshots after epochs 1, 5 and 20."""
    files = RunFiles(folder / "run", folder / "state")
    files.folder.mkdir()
    save_file({name: np.zeros(1) for name in kept}, files.snapshots)
    write_config(files, {"snapshots": {"epochs": [1, 5, 20]}})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": EPOCHS})
    seal(files)
    return {"vae/0": TrainedRun(files)}


WHOLE = [f"{epoch}/{name}" for epoch in (1, 5, 10) for name in ("codes", "samples")]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (set(), []),
        ({"5/codes"}, ["none or not all after epoch 5"]),
        ({"1/codes", "10/codes", "10/samples"}, ["none or not all after epochs 1, 10"]),
        (set(WHOLE), []),  # a model that shows nothing
    ],
)
def test_a_run_without_a_snapshot_that_was_chosen_is_flagged(tmp_path, lost, said):
    run = trained(tmp_path, [name for name in WHOLE if name not in lost])
    assert [flag.found for flag in quality.snapshots_missing(run)] == said


def test_damaged_snapshots_are_named(tmp_path):
    run = trained(tmp_path, WHOLE)
    (tmp_path / "run" / "snapshots.safetensors").write_bytes(b"none")
    with pytest.raises(UserError, match=r"snapshots\.safetensors"):
        list(quality.snapshots_missing(run))


def test_tables_that_lack_too_much_are_flagged():
    few = runs(20, status=["failed"] * 2 + ["finished"] * 18)
    many = runs(20, status=["failed"] * 3 + ["finished"] * 17)
    assert found(quality.results_missing(few)) == []
    (flag,) = quality.results_missing(many)
    assert flag.found == "3 of 20 runs have none (15 %)"
    assert flag.runs == "vae/0;vae/1;vae/2"
    (flag,) = quality.results_missing(runs(105, status=["failed"] * 11 + ["finished"] * 94))
    assert flag.found == "11 of 105 runs have none (10.5 %)"


def test_a_measure_that_some_runs_of_an_entry_lack_is_flagged():
    table = runs(elbo=[1.0, np.nan, 2, 3], entry=["vae"] * 4)
    other = runs(entry="ae", run=[f"ae/{i}" for i in range(4)], elbo=np.nan)
    (flag,) = quality.measures_missing(pd.concat([table, other]))
    assert (flag.where, flag.found) == ("runs.csv, elbo", "1 of 4 runs of vae lack it (25 %)")
    assert flag.runs == "vae/1"


def test_a_published_table_that_was_hardly_run_is_flagged():
    n = [1] * 9 + [0] * 3 + [2] + [0] * 4
    verdicts = pd.DataFrame({"study": "a", "table": ["1"] * 10 + ["2"] * 3 + ["3"] * 4, "n": n})
    verdicts["verdict"] = "not run"
    (flag,) = quality.published_missing(verdicts)
    assert flag.where == "verdicts.csv, a, table 2"
    assert flag.found == "2 of 3 published numbers have no run (67 %)"
    beyond = verdicts.assign(verdict="out of reach")
    assert list(quality.published_missing(beyond)) == []


def test_a_measure_that_tells_no_run_from_another_is_flagged():
    table = runs(silhouette=0.25, best_epoch=EPOCHS, rare=[1.0, 1.0, np.nan, np.nan])
    assert found(quality.constant(table)) == [("constant", "silhouette", "0.25 for all 4 runs")]
    assert found(quality.constant(runs(silhouette=[0.25, 0.25, 0.25, 0.26]))) == []


def test_the_report_says_how_many_controls_lie_inside():
    one, other = {"inside": "yes"}, {"inside": "no"}
    assert Quality([], [one, one]).said == "All 2 controls lie inside their ranges."
    assert Quality([], [one, other]).said == "1 of 2 controls lie inside their ranges."
