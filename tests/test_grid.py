"""The identity of a run: unique, fit for a path, and untouched by its neighbours."""

import itertools
import json
import re

import pytest

from latentgrid.errors import UserError
from latentgrid.grid import reading
from latentgrid.grid.runs import canonical, plan_of, planned_runs, read_plan


def runs_of(raw):
    return planned_runs(reading.check(raw, "params.yaml"))


def identities(raw):
    return {run.name: canonical(run.settings) for run in runs_of(raw)}


def test_the_grid_of_source_000_is_54_distinct_runs(raw_params):
    found = runs_of(raw_params)
    assert len(found) == 54
    assert len({run.name for run in found}) == 54
    assert len({canonical(run.settings) for run in found}) == 54
    assert {
        (run.model, *run.axes.values(), run.epochs, run.batch_size, run.seed) for run in found
    } == {
        (model, d, optimizer, rate, 50, 100, 0)
        for model in ("vae", "conv_vae", "mmd_vae")
        for d in (2, 20, 50)
        for optimizer in ("adadelta", "adam", "rmsprop")
        for rate in (1e-4, 7.5e-4)
    }


def test_names_are_readable_and_fit_for_a_path(raw_params):
    raw_params["models"]["small"] = {
        "model": "vae",
        "latent_dim": 4096,
        "optimizer": "adam",
        "learning_rate": 1e-30,
        "epochs": 3,
        "batch_size": 7,
    }
    names = [run.name for run in runs_of(raw_params)]
    assert "vae/latent_dim=20,optimizer=adam,learning_rate=0.0001/seed=0" in names
    assert (
        "small/latent_dim=4096,optimizer=adam,learning_rate=1e-30,epochs=3,batch_size=7/seed=0"
        in names
    )
    for name in names:
        assert re.fullmatch(r"[a-z0-9_]+/[a-z0-9_=,.+-]+/seed=\d+", name)
        assert max(map(len, name.split("/"))) < 200


def test_names_do_not_differ_by_case_alone(raw_params):
    names = [run.name for run in runs_of(raw_params)]
    assert len({name.lower() for name in names}) == len(names)


def test_any_combination_of_valid_values_has_a_name_of_its_own(raw_params):
    """Values whose shortest texts are alike: 1e-05 and 1.5e-05, 2 and 20, 0.1 and 1.0."""
    raw_params["seeds"] = [0, 1, 10, 2**31]
    raw_params["models"] = {
        entry: {
            "model": "vae",
            "latent_dim": [1, 2, 20, 200, 22],
            "optimizer": ["adam", "rmsprop", "adadelta"],
            "learning_rate": [1e-5, 1.5e-5, 0.1, 1, 0.10000000000000002, 1e-300, 10],
            "epochs": [1, 11],
            "batch_size": [1, 11],
        }
        for entry in ("vae", "vae_", "vae_1")
    }
    found = runs_of(raw_params)
    assert len(found) == 3 * 5 * 3 * 7 * 2 * 2 * 4
    assert len({run.name for run in found}) == len(found)


def add_a_value(raw):
    raw["models"]["vae"]["latent_dim"].insert(0, 10)


def add_a_seed(raw):
    raw["seeds"].insert(0, 7)


def add_a_model(raw):
    raw["models"] = {"a": {**raw["models"]["vae"], "model": "mmd_vae"}, **raw["models"]}


def reorder_values(raw):
    for axes in raw["models"].values():
        for values in axes.values():
            values.reverse()


def reorder_keys(raw):
    for key, value in list(raw.items())[::-1]:
        del raw[key]
        raw[key] = value
    raw["models"] = {
        name: dict(reversed(axes.items())) for name, axes in reversed(raw["models"].items())
    }


def spell_out_the_model(raw):
    raw["models"]["vae"]["model"] = "vae"


def change_what_no_training_reads(raw):
    raw["evaluation"]["test_images"] = 500
    raw["training"] |= {"device": "cpu", "jobs_per_gpu": 4}
    raw["mirror"] = "elsewhere"


@pytest.mark.parametrize(
    ("edit", "added"),
    [
        (add_a_value, 6),
        (add_a_seed, 54),
        (add_a_model, 18),
        (reorder_values, 0),
        (reorder_keys, 0),
        (spell_out_the_model, 0),
        (change_what_no_training_reads, 0),
    ],
)
def test_an_edit_changes_no_other_run(raw_params, edit, added):
    before = identities(raw_params)
    edit(raw_params)
    after = identities(raw_params)
    assert len(after) == 54 + added
    assert before.items() <= after.items()


def test_a_removed_value_takes_only_its_own_runs(raw_params):
    before = identities(raw_params)
    raw_params["models"]["vae"]["optimizer"].remove("adam")
    gone = before.keys() - identities(raw_params).keys()
    assert gone == {n for n in before if n.startswith("vae/") and "optimizer=adam," in n}


@pytest.mark.parametrize("axis", ["latent_dim", "optimizer", "learning_rate"])
def test_a_single_value_is_a_list_of_one(raw_params, axis):
    axes = raw_params["models"]["vae"]
    axes[axis] = axes[axis][:1]
    listed = identities(raw_params)
    axes[axis] = axes[axis][0]
    assert identities(raw_params) == listed


@pytest.mark.parametrize(
    ("axis", "spellings"),
    [
        ("learning_rate", ("1e-4", "0.0001", "1.0e-04", "0.00010", "1E-4")),
        ("learning_rate", ("1", "1.0", "1e0", "+1.")),
        ("latent_dim", ("2", "2.0", "0x2")),
    ],
)
def test_a_number_has_one_identity_however_it_is_written(raw_params, tmp_path, axis, spellings):
    found = set()
    for spelling in spellings:
        (tmp_path / "value.yaml").write_text(f"value: {spelling}\n")
        raw_params["models"]["vae"][axis] = reading.read_yaml(tmp_path / "value.yaml")["value"]
        found.add(json.dumps(identities(raw_params)))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("learning_rate", [0.0001, 1e-4]),
        ("learning_rate", [1, 0.5, 1.0]),
        ("latent_dim", [2, 20, 2.0]),
        ("optimizer", ["adam", "adam"]),
    ],
)
def test_equal_values_are_refused_however_they_are_written(raw_params, axis, values):
    raw_params["models"]["vae"][axis] = values
    with pytest.raises(UserError, match=rf"^params.yaml: models.vae.{axis}\[\d\]: .*twice"):
        runs_of(raw_params)


def test_runs_follow_the_file_with_seeds_fastest(raw_params):
    raw_params["seeds"] = [3, 1]
    found = runs_of(raw_params)
    assert [run.seed for run in found[:4]] == [3, 1, 3, 1]
    assert [name for name, _ in itertools.groupby(run.entry for run in found)] == [
        "vae",
        "conv_vae",
        "mmd_vae",
    ]
    assert found[0].axes == {"latent_dim": 2, "optimizer": "adadelta", "learning_rate": 1e-4}


def test_settings_hold_all_that_training_reads_and_nothing_else(raw_params):
    assert runs_of(raw_params)[0].settings == {
        "model": "vae",
        "hyperparameters": {"latent_dim": 2},
        "optimizer": "adadelta",
        "learning_rate": 0.0001,
        "epochs": 50,
        "batch_size": 100,
        "precision": "float32",
        "snapshots": {"epochs": [1, 5, 20, 50], "samples": 64, "manifold": 16},
        "seed": 0,
    }


def test_epochs_and_batch_size_can_be_axes(raw_params):
    raw_params["models"] = {"vae": {**raw_params["models"]["vae"], "epochs": [5, 10]}}
    raw_params["models"]["vae"]["batch_size"] = 20
    found = runs_of(raw_params)
    assert len(found) == 36
    assert {(run.epochs, run.batch_size) for run in found} == {(5, 20), (10, 20)}
    assert {tuple(run.settings["snapshots"]["epochs"]) for run in found} == {(1, 5), (1, 5, 10)}
    assert found[0].settings["hyperparameters"] == {"latent_dim": 2}


def test_shared_epochs_change_settings_and_keep_names(raw_params):
    before = identities(raw_params)
    raw_params["training"]["epochs"] = 60
    after = identities(raw_params)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


def test_canonical_text_ignores_the_order_of_keys_but_not_of_values():
    assert canonical({"a": 1, "b": [1, 2]}) == canonical({"b": [1, 2], "a": 1})
    assert canonical({"a": 1, "b": 2}) != canonical({"a": 2, "b": 1})
    assert canonical([1, 2]) != canonical([2, 1])


def test_a_plan_survives_its_file(raw_params, tmp_path):
    plan = plan_of(reading.check(raw_params, "params.yaml"))
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert read_plan(tmp_path / "plan.json") == plan
    assert len(plan) == 54


def test_precision_can_be_an_axis(raw_params):
    raw_params["models"] = {"vae": {**raw_params["models"]["vae"]}}
    raw_params["models"]["vae"]["precision"] = ["float32", "bfloat16"]
    found = runs_of(raw_params)
    assert {run.precision for run in found} == {"float32", "bfloat16"}
    assert {run.settings["precision"] for run in found if "bfloat16" in run.name} == {"bfloat16"}
    assert all("precision" not in run.settings["hyperparameters"] for run in found)
