"""A measure of a user's cannot take the place of another value of a run."""

import json

import numpy as np
import pytest
import torch

from latentgrid.contracts import sample
from latentgrid.errors import UserError
from latentgrid.evaluation import measures, tables
from latentgrid.grid.runs import read_plan
from latentgrid.results.trained import TrainedRun, load_test_set

LAYOUT = sample.LAYOUT


@pytest.fixture(autouse=True)
def _results():
    with sample.results():
        yield


def measured(monkeypatch, values):
    """Measure the first run, one of whose measures returns other values."""
    from latentgrid.evaluation.measures import accuracy

    monkeypatch.setattr(accuracy, "measure", lambda run, test: values)
    name = read_plan(LAYOUT.plan)[0]["name"]
    return measures.of_run(TrainedRun(LAYOUT.run(name)), load_test_set(LAYOUT.images))


@pytest.mark.parametrize(
    "key", ["seed", "model", "run", "status", "epochs", "parameters", "learning_rate", "test_loss"]
)
def test_a_name_that_is_taken_is_refused(monkeypatch, key):
    with pytest.raises(UserError, match=rf"measures/\w+\.py: returns {key}, which is there alr"):
        measured(monkeypatch, {key: 1.0})


@pytest.mark.parametrize("key", ["a,b", "", "\x1b[31m", "a\nb", 3])
def test_what_is_no_column_s_name_is_refused(monkeypatch, key):
    with pytest.raises(UserError, match=r"accuracy\.py: returns a value under .* no column's name"):
        measured(monkeypatch, {key: 1.0})


def test_another_name_is_one_more_column(monkeypatch):
    assert measured(monkeypatch, {"my own": 0.5})["my own"] == 0.5


@pytest.mark.parametrize(
    "value", [float("nan"), np.float32("inf"), True, "much", np.ones(2), torch.ones(()), [1.0, "a"]]
)
def test_what_is_no_finite_number_is_refused_with_its_name(monkeypatch, value):
    with pytest.raises(
        UserError, match=r"measures/accuracy\.py: returns mine = .*; allowed: a fin"
    ):
        measured(monkeypatch, {"mine": value})


def test_numbers_of_numpy_become_pythons(monkeypatch):
    found = measured(monkeypatch, {"mine": np.float32(0.5), "each": [np.int64(2), None]})
    assert (found["mine"], found["each"]) == (0.5, [2, None])
    assert [type(found["mine"]), type(found["each"][0])] == [float, int]


def test_an_axis_of_another_entry_is_refused_in_the_tables():
    plan = read_plan(LAYOUT.plan)
    (run, *_) = [planned for planned in plan if "latent_dim" not in planned["axes"]]
    file = LAYOUT.run(run["name"]).metrics
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) | {"latent_dim": 77}))
    try:
        with pytest.raises(UserError, match="a measure is called latent_dim, as is an axis"):
            tables.runs_table(LAYOUT, plan)
    finally:
        file.write_text(before)


def test_an_axis_may_be_called_epochs():
    """An entry may have its own; `epochs` of a run is then how many it trained."""
    plan = read_plan(LAYOUT.plan)
    for planned in plan:
        planned["axes"] = planned["axes"] | {"epochs": planned["settings"]["epochs"]}
    assert set(tables.runs_table(LAYOUT, plan)["epochs"]) == {1}
