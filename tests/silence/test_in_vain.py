"""A training that would train nothing is refused, by `latentgrid plan` and the workflow alike."""

import json
import time
from copy import deepcopy

import pytest
import torch
import yaml
from torch import nn

from latentgrid import cli
from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import reading
from latentgrid.grid.runs import canonical, plan_of
from latentgrid.models import Model, Player
from latentgrid.steps import trial
from latentgrid.training.loop import Training
from latentgrid.training.steps import Batches
from latentgrid.training.trial import require_trainable, try_run, try_step
from networks import build
from project import TINY

PACE = {"gan": "discriminator_steps", "cond_gan": "discriminator_steps", "wgan": "critic_steps"}
SHAPE = (1, 4, 4)
SIZE = Size(70, 10, SHAPE, 10)  # 3 batches of up to 30


def settings(model="wgan", **other):
    training = {"optimizer": "adam", "learning_rate": 0.01, "precision": "float32", "seed": 0}
    training |= {"epochs": 2, "batch_size": 30}
    return {"model": model, "hyperparameters": {}} | training | other


def adversaries(model, steps):
    return settings(model, hyperparameters={"latent_dim": 2, "hidden": 4, PACE[model]: steps})


# A player who never moves


@pytest.mark.parametrize("model", PACE)
@pytest.mark.parametrize("steps", [7, 50, 100_000, 2**31 - 1])
def test_a_player_who_never_moves_is_named(model, steps):
    with pytest.raises(UserError) as caught:
        try_run("the/run", adversaries(model, steps), SIZE)
    assert str(caught.value).startswith(f"the/run: {PACE[model]}: found {steps}, but all epochs")
    assert "6 batches (2 × 3)" in str(caught.value)
    assert str(caught.value).endswith("allowed: up to 6")


@pytest.mark.parametrize("model", PACE)
@pytest.mark.parametrize("steps", [1, 4, 6])
def test_one_who_moves_once_is_not(model, steps):
    try_run("the/run", adversaries(model, steps), SIZE)


@pytest.mark.parametrize(("steps", "moves"), [(6, True), (7, False)])
def test_the_loop_agrees_who_moves(few_images, steps, moves):
    """70 images in batches of 30, twice: the generator's weights change on the sixth batch."""
    model = build("wgan", 2, few_images.shape, hidden=4, critic_steps=steps)
    before = deepcopy(model.decoder.state_dict())
    Training(model, few_images, settings()).run(lambda row: None)
    same = [torch.equal(before[name], now) for name, now in model.decoder.state_dict().items()]
    assert not all(same) if moves else all(same)


class Paced(Model):
    """Has two players who move as often as it is told."""

    terms = {"error": "per image"}  # noqa: RUF012
    loss_description = "error"

    def __init__(self, first, second):
        super().__init__()
        self.paces = first, second
        self.weight = nn.Parameter(torch.ones(()))

    def losses(self, batch, generator):
        return {"error": self.weight * batch.images.flatten(1).sum(dim=1)}

    def players(self):
        return [Player([[self.weight]], self.losses, self.batch_loss, pace) for pace in self.paces]


@pytest.mark.parametrize("paces", [(2, 1), (1, 0), (1, -1)])
def test_the_first_of_ones_own_players_steps_on_every_batch(paces):
    with pytest.raises(UserError, match=r"first of players\(\) must step on every batch"):
        try_step("mine", Paced(*paces), settings(), SIZE)
    try_step("mine", Paced(1, 6), settings(), SIZE)


def test_a_player_without_a_hyperparameter_is_refused_too():
    with pytest.raises(UserError, match=r"^mine: every: found 7, .*up to 6$"):
        require_trainable("mine", Paced(1, 7), settings(), SIZE)


# Batches


@pytest.mark.parametrize("batch_size", [71, 10_000, 2**31 - 1])
def test_a_batch_of_more_images_than_there_are_is_refused(batch_size):
    with pytest.raises(UserError) as caught:
        try_run("the/run", settings("ae", batch_size=batch_size), SIZE)
    assert str(caught.value) == (
        f"the/run: batch_size: found {batch_size}; allowed: up to the 70 training images"
    )


def test_a_batch_of_all_images_is_none_of_it():
    ae = {"latent_dim": 2, "hidden": 4}
    try_run("the/run", settings("ae", batch_size=70, hyperparameters=ae), SIZE)


def test_batches_take_no_more_memory_than_the_images():
    """Test sets may be smaller than a batch; 2³¹ places would take 16 GB."""
    images, labels = torch.arange(5).reshape(5, 1, 1, 1).byte(), torch.arange(5).byte()
    batches = Batches(images, labels, torch.arange(5), 2**31 - 1)
    assert batches.sizes == [5]
    assert batches.next(5).labels.tolist() == [0, 1, 2, 3, 4]


class Normalised(Paced):
    """Normalises over the batch, which a single image cannot be."""

    def __init__(self):
        super().__init__(1, 1)
        self.layer = nn.BatchNorm1d(16)

    def losses(self, batch, generator):
        return {"error": self.weight * self.layer(batch.images.flatten(1)).sum(dim=1)}


@pytest.mark.parametrize(("batch_size", "fits"), [(23, False), (1, False), (34, True), (35, True)])
def test_the_last_batch_of_an_epoch_is_tried_too(batch_size, fits):
    """70 images leave 1 of batches of 23, 2 of 34 and none of 35."""
    chosen = settings(batch_size=batch_size)
    if fits:
        try_step("mine", Normalised(), chosen, SIZE)
    else:
        with pytest.raises(
            UserError, match=rf"^mine: batch_size: found {batch_size}, which leaves .* of 1 of 70"
        ):
            try_step("mine", Normalised(), chosen, SIZE)


# `plan` and the workflow

NETWORK = {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}
REFUSED = {
    "player": ({"wgan": NETWORK | {"critic_steps": 9}}, "critic_steps: found 9, .*up to 8"),
    "batch": ({"ae": NETWORK | {"batch_size": 1438}}, "batch_size: found 1438; .*1437 training"),
    "pretraining": ({"gmvae": NETWORK | {"pretraining": 1}}, "epochs is 1 and pretraining 1"),
    "components": (
        {"gmvae": NETWORK | {"epochs": 2, "pretraining": 1, "components": 1438}},
        "components is 1438, with 1437 training images",
    ),
    "pixels": ({"pca": {"latent_dim": 785}}, "found 785; allowed: up to the 784 pixels"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(models):
    """Write params.yaml for these models and the plan that the workflow would write."""
    raw = TINY | {"models": models, "figures": []}
    chosen = reading.check(raw, "params.yaml")
    with open("params.yaml", "w") as file:  # noqa: PTH123
        yaml.safe_dump(raw, file)
    write_json(Layout("digits").plan, json.loads(canonical(plan_of(chosen))))


@pytest.mark.parametrize("case", REFUSED)
def test_plan_refuses_what_the_workflow_refuses(here, case):
    models, words = REFUSED[case]
    planned(models)
    with pytest.raises(UserError, match=words) as by_plan:
        cli.plan(None)
    with pytest.raises(UserError) as by_workflow:
        trial.main("digits", "digits", "key")
    assert str(by_plan.value) == str(by_workflow.value)
    assert str(by_plan.value).startswith(next(iter(models)))
    assert "\n" not in str(by_plan.value)
    assert not Layout("digits").tried.exists()


def test_a_player_who_moves_seldom_is_planned_in_no_time(here, capsys):
    planned(
        {"wgan": NETWORK | {"hidden": 4, "critic_steps": 100_000, "batch_size": 1, "epochs": 70}}
    )
    began = time.process_time()
    cli.plan(None)
    trial.main("digits", "digits", "key")
    assert time.process_time() - began < 20  # 100,000 steps take minutes
    assert "1 run on digits" in capsys.readouterr().out
