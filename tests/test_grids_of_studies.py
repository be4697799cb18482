"""The grid of a study trains what its numbers and claims wait for; together they are one."""

import pandas as pd
import pytest

from latentgrid.commands import open_verdicts as opened
from latentgrid.grid import catalogue
from latentgrid.grid import reading as params_reading
from latentgrid.grid.runs import planned_runs
from latentgrid.studies import reading
from latentgrid.studies.records import Settings
from latentgrid.verdicts import comparisons
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.rule import Answer
from project import ROOT
from studies import with_claims_of

GRIDS = sorted((ROOT / "studies").glob("*/grid.yaml"))


def runs_of(path):
    params = params_reading.load([path])
    return params, {run.name: Settings.model_validate(run.settings) for run in planned_runs(params)}


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.parent.name)
def test_a_grid_closes_every_number_of_its_study(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = reading.read(path.parent)
    params, missing = runs_of(path)
    assert params.studies == [study.name]
    assert params.seeds == study.facts.seeds
    found = opened.open_verdicts([study], missing, [])
    tables = study.facts.tables
    decided = [n for n in study.numbers if tables[n.table].open is None and n.ours is not None]
    comparisons = [one for claim in study.facts.claims.values() for one in claim.comparisons]
    assert len(found) == len(decided) + len(comparisons)
    assert all(len(one.missing) >= one.needed for one in found)


def test_a_comparison_waits_only_for_runs_that_can_stand_on_its_sides(monkeypatch):
    """A VAE as large as the mixture's model is no VAE as the study builds it."""
    monkeypatch.chdir(ROOT)
    folder = ROOT / "studies" / "perez-2022"
    found = opened.open_verdicts([reading.read(folder)], runs_of(folder / "grid.yaml")[1], [])
    waits = {one.about.partition(", ")[2]: {n.split("/")[0] for n in one.missing} for one in found}
    assert waits["convolution: conv5_vae against vae_bce"] == {"conv5_vae", "vae_bce"}
    of_size = {"gmvae", "vae_of_that_size"}
    assert waits["mixture: gmvae against a vae_bce of its size"] == of_size


def test_the_published_grid_is_that_of_all_studies(monkeypatch):
    monkeypatch.chdir(ROOT)
    every = {}
    for path in GRIDS:
        every |= runs_of(path)[1]
    _, published = runs_of(ROOT / "config" / "published.yaml")
    assert {name: of.identity for name, of in published.items()} == {
        name: of.identity for name, of in every.items()
    }


def finished(*files):
    """Return the runs of grids as a table, each with the same value of every measure."""
    measured = [*catalogue.measured(), *(f"silhouette of class {digit}" for digit in range(10))]
    values = dict.fromkeys([*measured, "test_within_prior"], 0.5)
    return pd.DataFrame(
        {
            "run": run.name,
            "entry": run.entry,
            "model": run.model,
            "seed": run.seed,
            "planned_epochs": run.epochs,
            **run.axes,
            "batch_size": run.batch_size,
            "precision": "float32",
            **values,
        }
        for file in files
        for run in planned_runs(params_reading.load([file]))
    )


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.parent.name)
def test_the_runs_of_a_grid_answer_every_claim_of_its_study(path, monkeypatch):
    """None that the plan takes for one side is refused as an ablation or as trained otherwise."""
    monkeypatch.chdir(ROOT)
    with_claims_of(monkeypatch, path.parent)
    study = reading.read(path.parent)
    answers = claims_table([study], finished(path))
    possible = answers[answers["answer"] != Answer.OUT_OF_REACH]
    assert len(possible) >= len(study.facts.claims)
    unanswered = possible[possible["n"] < len(study.facts.seeds)]
    assert unanswered[["name", "part", "note"]].to_dict("records") == []


def test_claims_on_building_blocks_compare_only_the_runs_meant_for_them(monkeypatch):
    """Other runs of the same model, of other studies and of the ablation, lie beside them."""
    monkeypatch.chdir(ROOT)
    runs = finished(*GRIDS, ROOT / "config" / "ablation.yaml")
    study = reading.read(ROOT / "studies" / "modulo-7")
    meant_for = {
        "batches_of_batch_normalisation": {"blocks_batch_size"},
        "small_kernels": {"blocks_kernels"},
        "linear_is_pca": {"linear_ae", "pca"},
    }
    for name, meant in meant_for.items():
        for part in comparisons.examine(study, study.facts.claims[name], runs):
            assert set(part.used["entry"]) <= meant
            assert len(part.used) == 2 * len(study.facts.seeds)
            assert list(part.effect.values) == [0.0] * len(study.facts.seeds)
