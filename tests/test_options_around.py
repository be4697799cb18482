"""Options of a training around it: names of runs, what is best, verdicts, records, messages."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import cases, end_of
from latentgrid.commands.verify import _of_first_epochs
from latentgrid.errors import UserError
from latentgrid.evaluation import quality, tables
from latentgrid.evaluation.ranking import best
from latentgrid.grid import catalogue, excerpt, reading
from latentgrid.grid.runs import plan_of, planned_runs
from latentgrid.studies.records import Settings
from latentgrid.studies.served import unknown_settings
from latentgrid.verdicts.networks import as_built, at_setting
from test_verdicts import grid_runs, judged

VAE = {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}
OPTIONS = {
    "schedule": "cosine",
    "warm_up": 2,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "patience": 3,
    "kl_warm_up": 2,
}


def params(training=None, **entries):
    raw = {"dataset": "digits", "training": training or {}, "models": entries}
    return reading.check(raw, "params.yaml")


def said(training=None, **entries):
    with pytest.raises(UserError) as error:
        params(training, **entries)
    return str(error.value)


# Names and settings


def test_an_option_is_part_of_name_and_settings_only_where_set():
    found = params({"validation": 0.1}, vae=VAE | OPTIONS, thin={"model": "vae"} | VAE)
    full, plain = planned_runs(found)
    assert full.name == (
        "vae/latent_dim=2,optimizer=adam,learning_rate=0.001,schedule=cosine,warm_up=2,"
        "weight_decay=0.01,clip_norm=1.0,patience=3,kl_warm_up=2/seed=0"
    )
    assert OPTIONS.items() <= full.settings.items()
    assert (
        full.settings["hyperparameters"] == plain.settings["hyperparameters"] == {"latent_dim": 2}
    )
    assert plain.name == "thin/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0"
    assert full.settings["validation"] == plain.settings["validation"] == 0.1
    (bare,) = planned_runs(params(vae=VAE))
    assert not bare.settings.keys() & {*OPTIONS, "validation"}


def test_an_option_may_be_an_axis():
    found = planned_runs(params(vae=VAE | {"weight_decay": [0.1, 0.01], "validation": [0, 0.2]}))
    assert [run.settings.get("validation") for run in found] == [None, None, 0.2, 0.2]
    assert [run.settings["weight_decay"] for run in found] == [0.1, 0.01] * 2


def test_rates_of_players_are_settings_of_their_models_alone():
    found = params(gan=VAE | {"generator_learning_rate": 0.0002})
    (run,) = planned_runs(found)
    assert run.settings["generator_learning_rate"] == 0.0002
    assert "models.vae.generator_learning_rate: unknown key" in said(
        vae=VAE | {"generator_learning_rate": 0.1}
    )
    assert "models.mmd_vae.kl_warm_up: unknown key" in said(mmd_vae=VAE | {"kl_warm_up": 1})
    assert "models.pca.patience: unknown key" in said(pca={"latent_dim": 2, "patience": 1})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("schedule", "linear", "cosine, exponential, step"),
        ("schedule", None, "cosine, exponential, step"),
        ("warm_up", 0, "a whole number, 1 or more"),
        ("weight_decay", 0, "a number above 0"),
        ("clip_norm", -1, "a number above 0"),
        ("kl_warm_up", 1.5, "a whole number, 1 or more"),
        ("validation", 1, "a share from 0 to below 1"),
        ("generator_learning_rate", 11, "a number above 0, 10 at most"),
    ],
)
def test_a_wrong_value_of_an_option_is_named(key, value, allowed):
    model = "gan" if key.startswith("generator") else "vae"
    text = said(**{model: VAE | {key: value}})
    assert text.startswith(f"params.yaml: models.{model}.{key}: found ")
    assert f"allowed: {allowed}" in text
    assert "\n" not in text


def test_patience_needs_images_to_validate_on():
    text = said(vae=VAE | {"patience": 3})
    assert text == (
        "params.yaml: models.vae.patience: found 3 without images to validate on; allowed: it "
        "beside a validation above 0, of the training or its own"
    )
    assert said({"validation": 0.1}, vae=VAE | {"patience": 3, "validation": [0, 0.1]}) == text
    params(vae=VAE | {"patience": 3, "validation": 0.1})


def test_a_decay_that_takes_all_of_a_weight_at_a_step_is_refused():
    decaying = {"weight_decay": [0.1, 1000]}
    assert said(vae=VAE | decaying) == (
        "params.yaml: models.vae.weight_decay: found 1000.0 with learning_rate 0.001, whose "
        "product is what each step takes off weights; allowed: a product below 1: below 1000 "
        "with this learning_rate"
    )
    params(vae=VAE | {"weight_decay": 999})
    assert "with generator_learning_rate 5.0" in said(
        gan=VAE | {"weight_decay": 0.2, "generator_learning_rate": 5}
    )


@pytest.mark.parametrize("option", ["warm_up", "kl_warm_up", "patience"])
def test_an_option_cannot_outlast_the_training(option):
    training = {"epochs": 9, "validation": 0.1}
    text = said(training, vae=VAE | {option: [2, 10]})
    assert text == (
        f"params.yaml: models.vae.{option}: found 10, more epochs than a run has; "
        "allowed: 9 at most"
    )
    assert said(training, vae=VAE | {option: 10, "epochs": [9, 10]}) == text
    params(training, vae=VAE | {option: 10, "epochs": 10})


def test_patience_must_be_able_to_act_after_the_warm_up():
    training = {"epochs": 9, "validation": 0.1}
    assert said(training, vae=VAE | {"patience": 6, "kl_warm_up": [1, 4]}) == (
        "params.yaml: models.vae.patience: found 6, and the first 4 of 9 epochs do not count, by "
        "kl_warm_up or pretraining; allowed: 5 at most"
    )
    params(training, vae=VAE | {"patience": 5, "kl_warm_up": 4})


def test_the_share_in_training_is_checked():
    assert "training.validation: found 2; allowed: a share" in said({"validation": 2}, vae=VAE)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.none())
)


@given(st.dictionaries(st.sampled_from([*OPTIONS, "validation"]), VALUES, min_size=1, max_size=3))
@cases(60)
def test_whatever_an_option_is_set_to_is_a_message_or_a_sound_run(drawn):
    def plan():
        for run in planned_runs(params({"validation": 0.5}, vae=VAE | drawn)):
            assert json.loads(json.dumps(run.settings)) == run.settings

    end_of("params", plan, "params.yaml: models.vae.")


def test_a_page_configuration_plans_runs_with_options_again():
    plan = plan_of(params({"validation": 0.1}, vae=VAE | OPTIONS, pca={"latent_dim": 2}))
    again = reading.check(excerpt.configuration_of("digits", plan), "params.yaml")
    assert [run.settings for run in planned_runs(again)] == [one["settings"] for one in plan]


# What is best


def test_best_is_by_validation_loss_where_all_runs_have_one():
    rows = pd.DataFrame(
        {"model": "vae", "min_train_loss": [1.0, 2.0], "min_validation_loss": [4.0, 3.0]}
    )
    assert (best(rows).by, best(rows).row.name) == ("smallest min_validation_loss", 1)
    rows.loc[1, "min_validation_loss"] = None
    assert (best(rows).by, best(rows).row.name) == ("smallest min_train_loss", 0)


# Verdicts, quality, records


def test_runs_with_an_option_are_not_the_sources():
    row, _ = judged(grid_runs([2.2e6] * 3))
    assert row["n"] == 3
    for option, value in {**OPTIONS, "validation": 0.1}.items():
        row, _ = judged(grid_runs([2.2e6] * 3, **{option: value}))
        assert (row["verdict"], row["n"]) == ("not run", 0), option
        assert f"; runs with {option} are not compared" in row["reason"]
    row, _ = judged(grid_runs([2.2e6] * 3, validation=0.0, schedule=None))
    assert row["n"] == 3


def test_a_study_may_name_an_option():
    runs = grid_runs([1.0] * 3, weight_decay=[None, 0.1, 0.2][0])
    runs["weight_decay"] = [None, 0.1, 0.2]
    assert as_built(runs, "vae")["seed"].tolist() == [0]
    setting = {"latent_dim": 2, "weight_decay": 0.1}
    assert at_setting(runs, "vae", setting)["seed"].tolist() == [1]


def test_a_run_that_lost_patience_was_not_cut_short():
    runs = grid_runs([1.0], epochs=7, reason="", patience=3)
    assert not [*quality.cut_short(runs)]
    assert [*quality.cut_short(runs.drop(columns="patience"))]


def recorded(**options):
    return Settings.model_validate(
        {"model": "vae", "hyperparameters": {"latent_dim": 2}, "optimizer": "adam"}
        | {"learning_rate": 0.001, "epochs": 2, "batch_size": 10, "precision": "float32"}
        | {"seed": 0, "snapshots": {"epochs": [0]}, **options}
    )


def test_a_record_keeps_options_and_refuses_unknown_ones():
    assert recorded().options == {}
    told = recorded(weight_decay=0.1)
    assert told.flat["weight_decay"] == told.identity["weight_decay"] == 0.1
    assert unknown_settings(told) == ""
    assert unknown_settings(recorded(dropout=0.1)) == "has an unknown setting dropout of vae"
    assert unknown_settings(recorded(weight_decay="x")).startswith("has a weight_decay of 'x', ")


def test_verify_trains_all_epochs_of_a_schedule_and_few_of_others():
    def trained_again(**options):
        run = SimpleNamespace(settings=recorded(epochs=50, **options), epochs=50, status="finished")
        return _of_first_epochs(run, 2)

    plain = trained_again(weight_decay=0.1, patience=3)
    assert (plain["epochs"], plain["weight_decay"], plain["patience"]) == (2, 0.1, 3)
    assert trained_again(schedule="cosine")["epochs"] == 50


@pytest.mark.parametrize("model", catalogue.models())
def test_every_model_knows_its_options(model):
    options = catalogue.options(model)
    assert "validation" in options
    assert ("schedule" in options) == (not catalogue.is_closed_form(model))
    terms = catalogue.said(model, "annealed")
    assert ("kl_warm_up" in options) == bool(terms)


def test_seeds_that_end_at_different_epochs_are_of_one_setting():
    """Of an entry with epochs of its own, the table of runs has the completed ones."""
    identity = grid_runs([1.0, 2.0], planned_epochs=60, patience=3, reason="")
    runs = identity.assign(epochs=[29, 34], min_train_loss=[1.0, 2.0])
    measured = ["status", "reason", "min_train_loss", "min_train_batch_sum"]
    runs = runs[[*runs.columns.difference(measured, sort=False), *measured]]
    (setting,) = tables.settings_table(runs, ["latent_dim", "epochs"]).to_dict("records")
    assert (setting["n"], setting["epochs"], setting["min_train_loss"]) == (2, 60, 1.5)
    assert tables.marginal_table(runs, ["epochs"]).empty
