"""The grid of a study trains what its numbers and claims wait for; together they are one."""

import pandas as pd
import pytest

from latentgrid.commands import open_verdicts as opened
from latentgrid.grid import reading as params_reading
from latentgrid.grid.runs import planned_runs
from latentgrid.studies import reading
from latentgrid.studies.records import Settings
from latentgrid.verdicts import comparisons
from project import ROOT

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


def test_the_published_grid_is_that_of_all_studies(monkeypatch):
    monkeypatch.chdir(ROOT)
    every = {}
    for path in GRIDS:
        every |= runs_of(path)[1]
    _, published = runs_of(ROOT / "config" / "published.yaml")
    assert {name: of.identity for name, of in published.items()} == {
        name: of.identity for name, of in every.items()
    }


def test_claims_on_building_blocks_compare_only_the_runs_meant_for_them(monkeypatch):
    """Other runs of the same model, of other studies and of the ablation, lie beside them."""
    monkeypatch.chdir(ROOT)
    files = [*GRIDS, ROOT / "config" / "ablation.yaml"]
    runs = pd.DataFrame(
        {
            "run": run.name,
            "entry": run.entry,
            "model": run.model,
            "seed": run.seed,
            "planned_epochs": run.epochs,
            **run.axes,
            "batch_size": run.batch_size,
            "test_squared_error": 1.0,
            "test_loss": 1.0,
        }
        for file in files
        for run in planned_runs(params_reading.load([file]))
    )
    study = reading.read(ROOT / "studies" / "modulo-7")
    meant_for = {
        "deeper_with_skips": {"blocks_depth"},
        "batches_of_batch_normalisation": {"blocks_batch_size"},
        "small_kernels": {"blocks_wide", "blocks_depth"},
        "linear_is_pca": {"linear_ae", "pca"},
    }
    for name, meant in meant_for.items():
        for part in comparisons.examine(study, study.facts.claims[name], runs):
            assert set(part.used["entry"]) <= meant
            assert len(part.used) == 2 * len(study.facts.seeds)
            assert list(part.effect.values) == [0.0] * len(study.facts.seeds)
