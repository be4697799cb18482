"""`latentgrid plan`: what it says of a grid, and its guess of what comes after the trainings."""

import csv

import pytest
from rich.console import Console
from typer.testing import CliRunner

from latentgrid.cli import app
from latentgrid.commands.after_training import seconds_left
from latentgrid.commands.plan import show_plan
from latentgrid.files.layout import Layout
from latentgrid.grid import reading
from latentgrid.grid.runs import planned_runs
from latentgrid.training.estimate import Cost, Costs

LAYOUT = Layout("digits")
PCA = {"pca": {"latent_dim": [2, 3]}}
VAE = {"vae": {"latent_dim": [2, 3], "optimizer": "adam", "learning_rate": 0.001}}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def params_of(models, **others):
    given = {"dataset": "digits", "figures": ["reconstructions"], "models": models} | others
    return reading.check(given, "params.yaml")


def left(models, test=360, **others):
    params = params_of(models, **others)
    runs = planned_runs(params)
    return seconds_left(params, runs, [Cost(9.0, 1e-4, 1e6)] * len(runs), test, LAYOUT)


def finish(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def said(models, **others):
    params = params_of(models, **others)
    runs = planned_runs(params)
    console = Console(width=200)
    with console.capture() as told:
        show_plan(
            console, params, runs, Costs([Cost(60.0, 1e-4, 1e6)] * len(runs), "cpu", 360), LAYOUT
        )
    return told.get()


def test_the_guess_grows_with_runs_test_images_figures_and_draws():
    least = left({"pca": {"latent_dim": 2}})
    assert left(PCA) > least
    assert left(PCA, test=10_000) > left(PCA)
    assert left(PCA, figures=["reconstructions", "embeddings"]) > left(PCA)
    without = left(VAE, evaluation={"likelihood": None})
    bounded = {"likelihood": {"images": 500, "draws": 600}}
    # Two runs, each with 300,000 decodings of which six take as long as a step's image.
    assert left(VAE, evaluation=bounded) - without == pytest.approx(2 * 300_000 / 6 * 1e-4)


def test_the_guess_takes_what_jobs_of_an_entry_took_before():
    finish(LAYOUT.benchmarks)
    names = ["job", "rule", "seconds", "cpu_seconds", "memory_mb"]
    before = left(PCA)
    with LAYOUT.benchmarks.open("w", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        for job, seconds in {
            "evaluate:pca/a": 100,
            "evaluate:pca/b": 300,
            "evaluate:ae/c": 9,
        }.items():
            table.writerow(dict.fromkeys(names, 1) | {"job": job, "seconds": seconds})
    assert left(PCA) - before == pytest.approx(2 * 200, abs=2)


def test_what_is_there_is_not_left():
    for run in planned_runs(params_of(PCA)):
        finish(LAYOUT.run(run.name).outcome)
        finish(LAYOUT.run(run.name).metrics)
    assert 0 < left(PCA) < 20
    assert "Left to do: measure, draw and report on " in said(PCA)
    finish(LAYOUT.picture("reconstructions"))
    finish(LAYOUT.report)
    assert left(PCA) == 0
    assert "Nothing is left to do" in said(PCA)
    assert "Left to do: train " in said(VAE)


@pytest.mark.parametrize(
    ("cores", "words"),
    [
        ({0}, "train on one CPU core about 4 min 0 s ("),
        ({0, 5}, "train on 2 CPU cores about 2 min 0 s ("),
        ({0, 1, 2, 3, 4, 5, 6, 7}, "train on 8 CPU cores about 1 min 0 s ("),  # as each run
    ],
)
def test_runs_take_one_of_the_cores_that_there_are_each(monkeypatch, cores, words):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores)
    four = {"vae": VAE["vae"] | {"latent_dim": [2, 3, 4, 5]}}
    assert words in said(four)


def test_one_run_is_one_run():
    assert "\n1 run on digits, 1 MB of disk in all.\n" in said({"pca": {"latent_dim": 2}})
    assert "\n2 runs on digits, 2 MB" in said(PCA)


@pytest.mark.parametrize("command", ["plan", "models", "figures", "doctor", "prune"])
def test_a_file_without_its_option_is_told_it(command):
    for words in (["own.yaml"], ["--configfile", "params.yaml", "own.yaml"]):
        done = CliRunner().invoke(app, [command, *words])
        assert str(done.exception) == "own.yaml: write --configfile own.yaml"
