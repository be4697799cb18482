"""What the thesis publishes as Adam is compared with `adam_000` and never with plain `adam`."""

import pandas as pd
import pytest
import yaml

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, reading
from latentgrid.verdicts import comparisons, numbers
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.rule import Verdict
from project import ROOT
from studies import our_study

THESIS = our_study("vizoso-2020")
SETTING = {"latent_dim": 2, "learning_rate": 0.00075}
MODELS = ["vae", "conv_vae", "mmd_vae"]


def runs(*optimizers, model="vae", **changed):
    """A run of each optimizer, as good as the published one, at each of three seeds."""
    return pd.DataFrame(
        SETTING
        | {"run": f"{optimizer}/{seed}", "entry": model, "model": model, "seed": seed}
        | {"optimizer": optimizer, "planned_epochs": 50, "batch_size": 100, "epochs": 50}
        | {"precision": "float32", "status": "finished", "min_train_loss": 30.0 + seed}
        | {"min_train_batch_sum": 2.16e6 + seed, "min_train_batch_sum_corrected": 2.1e6 + seed}
        | changed
        for optimizer in optimizers
        for seed in range(3)
    )


def verdict(ran):
    history = pd.DataFrame({"run": ran["run"], "train_batch_sum": ran["min_train_batch_sum"]})
    table = numbers.table([THESIS], Evidence(ran, history, {"images": 60_000, "pixels": 784}))
    asked = table["setting"] == "latent_dim=2, optimizer=adam, learning_rate=0.00075"
    (row,) = table[asked & (table["model"] == "vae")].to_dict("records")
    return row


def test_a_verdict_on_adam_is_on_the_sources_adam():
    row = verdict(runs("adam", "adam_000"))
    assert row["verdict"] == Verdict.REPRODUCED
    assert row["runs"] == "adam_000/0;adam_000/1;adam_000/2"


def test_plain_adam_gets_no_verdict_and_the_reason_says_why():
    row = verdict(runs("adam"))
    assert (row["verdict"], row["n"], row["runs"]) == (Verdict.NOT_RUN, 0, "")
    assert row["reason"] == (
        "no run of this setting; runs with adam are not compared, as the study's is adam_000 here"
    )
    assert verdict(runs("rmsprop"))["reason"] == "no run of this setting"


@pytest.mark.parametrize("claim", THESIS.facts.claims)
def test_no_claim_of_the_thesis_looks_at_plain_adam(claim):
    optimizers = ("adam", "adam_000", "rmsprop", "adadelta")
    grid = pd.concat(
        runs(*optimizers, model=model, latent_dim=d, learning_rate=rate).assign(
            run=lambda of, m=model, d=d, r=rate: f"{m}/{d}/{r}/" + of["run"]
        )
        for model in MODELS
        for d in (2, 20, 50)
        for rate in (0.0001, 0.00075)
    ).reset_index(drop=True)
    grid["sample_sharpness"] = 0.5
    parts = comparisons.examine(THESIS, THESIS.facts.claims[claim], grid)
    used = pd.concat(part.used for part in parts)
    assert used["run"].str.contains("adam_000").any()
    assert not used["run"].str.contains("adam/").any()


@pytest.mark.parametrize("file", ["params.yaml", "config/published.yaml", "config/quick.yaml"])
def test_the_grid_of_the_thesis_asks_for_the_sources_adam(file):
    entries = yaml.safe_load((ROOT / file).read_text())["models"]
    for model in MODELS:
        asked = entries[model]["optimizer"]
        optimizers = [asked] if isinstance(asked, str) else asked
        assert "adam_000" in optimizers
        assert "adam" not in optimizers


def test_the_part_that_two_cores_train_asks_for_it_too():
    entries = yaml.safe_load((ROOT / "config/published_cpu.yaml").read_text())["models"]
    assert entries["vae"]["optimizer"] == "adam_000"


def test_models_whose_source_did_not_apply_it_so_refuse_it():
    given = yaml.safe_load((ROOT / "config/quick.yaml").read_text())
    given["models"] = {"ae": {"latent_dim": 2, "optimizer": "adam_000", "learning_rate": 0.001}}
    given["evaluation"]["judge"] = None
    with pytest.raises(
        UserError, match=r"models\.ae\.optimizer: .*'adam_000'.* adadelta, adagrad, adam, adam"
    ):
        reading.check(given, "params.yaml")
    able = [name for name in catalogue.models() if catalogue.said(name, "in_turn")]
    assert able == ["conv_vae", "mmd_vae", "vae"]
