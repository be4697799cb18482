"""What may be set of a training besides: schedules, decay, clipping, annealing, validation."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import save_file

from latentgrid import models
from latentgrid.data import Batch, checksum
from latentgrid.data.contract import Size
from latentgrid.errors import UserError
from latentgrid.evaluation.measures import losses
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue, components
from latentgrid.results.trained import TrainedRun
from latentgrid.training import optimizers, schedules
from latentgrid.training.annealing import Annealed, weighed
from latentgrid.training.capture import Replayed, eager
from latentgrid.training.early_stopping import EarlyStopping
from latentgrid.training.loop import Training
from latentgrid.training.run import train_run
from latentgrid.training.steps import turns_of
from latentgrid.training.trial import try_run
from latentgrid.training.validation import held_out, split
from latentgrid.training.wrappers import wrapped
from networks import build
from tape import tape

RATE = 0.01
SIZE = Size(100, 50, (1, 8, 8), 10)
SETTINGS = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "precision": "float32",
    "epochs": 3,
    "batch_size": 10,
    "seed": 0,
}
# Each option with a value that changes every model's training.
OPTIONS = {
    "schedule": "cosine",
    "warm_up": 2,
    "weight_decay": 0.1,
    "clip_norm": 0.01,
    "kl_warm_up": 2,
    "validation": 0.2,
}
ALL = OPTIONS | {"patience": 2}


def trained(data, mode=eager, model="vae", **settings):
    network = build(model, 3, data.shape)
    history = []
    training = Training(network, data, SETTINGS | settings, mode)
    outcome = training.run(history.append)
    return outcome, history, training.state()


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def weight(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def steps(of, gradients, batches=1, every=1, optimizer="sgd", rate=RATE, **settings):
    """Take a step along each gradient and return the values after each."""
    alone = optimizers.load(optimizer)([[of]], rate)
    whole = wrapped(alone, settings, batches, every)
    for g in gradients:
        whole.minimise((of * torch.tensor(g, dtype=of.dtype)).sum())
        yield of.detach().clone()


# Optimizers around an optimizer


def test_without_an_option_the_optimizer_stays_alone():
    alone = optimizers.load("adam")([[weight(1.0)]], RATE)
    assert wrapped(alone, SETTINGS, 10, 1) is alone


def test_decay_by_hand():
    """Without a gradient, a weight of 2 is (1 − 0.01·0.5)ᵗ·2 after t steps."""
    for t, after in enumerate(steps(weight(2.0), [[0.0]] * 3, weight_decay=0.5), start=1):
        assert float(after[0]) == pytest.approx(2 * 0.995**t, rel=1e-12)


@pytest.mark.parametrize("gradients", [[[3.0, 4.0]], [[0.3, 0.4]]])
def test_gradients_are_clipped_as_pytorch_clips_them(gradients):
    ours, theirs = weight(1.0, 2.0), weight(1.0, 2.0)
    (after,) = steps(ours, gradients, clip_norm=1.0)
    theirs.grad = torch.tensor(gradients[0], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([theirs], 1.0)
    torch.testing.assert_close(after, theirs.detach() - RATE * theirs.grad, rtol=1e-12, atol=0)


def test_the_norm_is_that_of_all_parameters_together():
    """Gradients 3 and 4 of two parameters have the norm 5 and are shortened to 0.6 and 0.8."""
    parameters = [weight(0.0), weight(0.0)]
    alone = optimizers.load("sgd")([[p] for p in parameters], 1.0)
    wrapped(alone, {"clip_norm": 1.0}, 1, 1).minimise(
        3 * parameters[0].sum() + 4 * parameters[1].sum()
    )
    assert [float(p.detach()) for p in parameters] == pytest.approx([-0.6, -0.8], rel=1e-5)


@pytest.mark.parametrize("optimizer", components.names("optimizers"))
def test_a_scheduled_step_is_one_with_another_learning_rate(optimizer):
    """At each step from the same place, f times the rate leads where the schedule leads."""
    gradients = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    of = weight(1.0, -2.0, 3.0)
    settings = {"schedule": "exponential", "epochs": 4}
    scheduled = wrapped(optimizers.load(optimizer)([[of]], RATE), settings, 1, 1)
    plain_of = weight(1.0, -2.0, 3.0)
    plain = optimizers.load(optimizer)([[plain_of]], RATE)
    for step, g in enumerate(gradients):
        plain.learning_rate = RATE * 0.01 ** (step / 4)
        plain.minimise((plain_of * g).sum())
        scheduled.minimise((of * g).sum())
        torch.testing.assert_close(of.detach(), plain_of.detach(), rtol=1e-12, atol=1e-15)
        assert scheduled.columns() == {"learning_rate": pytest.approx(plain.learning_rate)}


def test_adam_with_decay_and_a_schedule_is_pytorchs_adamw():
    """At gradients far above ε, TensorFlow 1's Adam and PyTorch's differ in rounding alone."""
    gradients = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours, theirs = weight(1.0, -2.0, 3.0), weight(1.0, -2.0, 3.0)
    other = torch.optim.AdamW([theirs], lr=RATE, weight_decay=0.1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(other, T_max=6)
    settings = {"schedule": "cosine", "epochs": 6, "weight_decay": 0.1}
    after = steps(ours, gradients.tolist(), optimizer="adam", **settings)
    for g, mine in zip(gradients, after, strict=True):
        theirs.grad = g.clone()
        other.step()
        cosine.step()
        torch.testing.assert_close(mine, theirs.detach(), rtol=1e-7, atol=0)


def test_a_warm_up_rises_evenly_and_then_stays():
    """Two epochs of two batches: ¼, ½, ¾, 1, 1 of the rate."""
    after = steps(weight(0.0), [[1.0]] * 5, batches=2, rate=1.0, warm_up=2)
    places = [0.0, *(float(a[0]) for a in after)]
    assert [b - a for b, a in pairwise(places)] == [0.25, 0.5, 0.75, 1, 1]


def test_a_player_of_every_second_batch_keeps_to_the_clock_of_batches():
    """Its steps are at batches 1 and 3 (from 0 on) of 4: cos² of π/8 and 3π/8."""
    after = steps(
        weight(0.0), [[1.0]] * 2, batches=4, every=2, rate=1.0, schedule="cosine", epochs=1
    )
    first, second = (float(a[0]) for a in after)
    assert -first == pytest.approx(math.cos(math.pi / 8) ** 2)
    assert first - second == pytest.approx(math.cos(3 * math.pi / 8) ** 2)


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("cosine", {0: 1, 5: 0.5, 10: 0}),
        ("step", {0: 1, 4.99: 1, 5: 0.1, 7.4: 0.1, 7.5: 0.01, 9.9: 0.01}),
        ("exponential", {0: 1, 5: 0.1, 10: 0.01}),
    ],
)
def test_schedules_at_known_moments(name, shares):
    for epoch, share in shares.items():
        found = schedules.load(name)(torch.tensor(float(epoch), dtype=torch.float64), 10)
        assert float(found) == pytest.approx(share, abs=1e-12)


# Annealing


def test_a_weighed_term_keeps_its_value_and_loses_gradient():
    x = weight(3.0)
    term = weighed(x.square(), torch.tensor(0.25, dtype=torch.float64))
    (slope,) = torch.autograd.grad(term.sum(), x)
    assert float(term[0].detach()) == 9
    assert float(slope[0]) == 0.25 * 6


def test_the_weight_rises_evenly_from_0_to_1():
    anneal, found = Annealed(("kl",), 4, torch.device("cpu")), []
    for _ in range(6):
        x = weight(1.0)
        terms = anneal({"reconstruction": x, "kl": x})
        found += [torch.autograd.grad(terms["kl"].sum(), x)[0].item()]
        assert terms["reconstruction"] is x
    assert found == [0, 0.25, 0.5, 0.75, 1, 1]


def test_the_weight_of_a_player_that_pauses_rises_in_the_same_epochs(few_images):
    network = build("vae", 3, few_images.shape)
    (player,) = network.players()
    network.players = lambda: [player, replace(player, every=4)]
    each, fourth = turns_of(network, SETTINGS | {"kl_warm_up": 2}, batches=10)
    assert each.weigh.steps == 2 * 10
    assert fourth.weigh.steps == 2 * 10 / 4


@pytest.mark.parametrize("model", ["vae", "conv_vae", "vae_bce", "beta_vae", "conv5_vae"])
def test_the_first_step_of_an_annealed_model_follows_the_reconstruction_alone(model, few_images):
    network = build(model, 3, few_images.shape)
    (turn,) = turns_of(network, SETTINGS | {"kl_warm_up": 1, "optimizer": "sgd"}, batches=9)
    images = few_images.train_images[:10].float() / 255
    batch, seed = Batch(images, few_images.train_labels[:10].long()), torch.Generator
    terms = network.losses(batch, seed().manual_seed(0))
    # The batch loss of vizoso-2020 is a sum, that of others a mean.
    whole = network.batch_loss(terms)
    alone = network.batch_loss(terms | {"kl": terms["kl"].detach()})
    parameters = list(network.parameters())
    slopes = torch.autograd.grad(alone, parameters, retain_graph=True, materialize_grads=True)
    expected = [p.detach() - 1e-3 * g for p, g in zip(parameters, slopes, strict=True)]
    _, objective = turn.take(batch, seed().manual_seed(0))
    torch.testing.assert_close(objective, whole.detach())
    for parameter, place in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.detach(), place, rtol=1e-5, atol=1e-6)


# Validation, and the end of a training


def test_held_out_images_are_drawn_once_and_trained_on_by_none(few_images):
    rest, parts = split(few_images, 0.2)
    again, _ = split(few_images, 0.2)
    images, labels = parts["validation"]
    count = len(few_images.train_images)
    assert len(images) == held_out(count, 0.2) == round(0.2 * count)
    assert torch.equal(rest.train_images, again.train_images)
    numbered = {tuple(image.flatten().tolist()) for image in few_images.train_images}
    seen = [tuple(i.flatten().tolist()) for i in torch.cat([rest.train_images, images])]
    assert len(seen) == count
    assert {*seen} == numbered
    assert len(rest.train_labels) + len(labels) == count
    same_data, nothing = split(few_images, 0.0)
    assert same_data is few_images
    assert nothing == {}


def test_a_training_ends_once_the_loss_has_not_fallen_for_its_patience():
    stopping, seen = EarlyStopping(2), []
    for epoch, loss in enumerate((5.0, 4.0, 4.0, 3.0, 3.5, 3.0, 1.0), start=1):
        if stopping.is_due:
            break
        seen.append(loss)
        stopping.look_at({"epoch": epoch, "validation_loss": loss})
    assert seen == [5.0, 4.0, 4.0, 3.0, 3.5, 3.0]


def test_epochs_that_minimise_something_else_count_neither_as_waiting_nor_as_best():
    stopping, due = EarlyStopping(2, settling=4), []
    for epoch, loss in enumerate((1.0, 2.0, 3.0, 4.0, 9.0, 8.0, 8.0, 8.0), start=1):
        stopping.look_at({"epoch": epoch, "validation_loss": loss})
        due.append(stopping.is_due)
    assert due == [False] * 7 + [True]
    assert float(stopping.smallest) == 8


@pytest.mark.parametrize(
    ("model", "settings", "settling"),
    [
        ("vae", {}, 0),
        ("vae", {"kl_warm_up": 2}, 2),
        ("gmvae", {}, 50),
    ],
)
def test_patience_begins_after_warm_up_and_pretraining(few_images, model, settings, settling):
    patient = {"patience": 1, "validation": 0.2}
    chosen = SETTINGS | patient | settings
    training = Training(build(model, 3, few_images.shape), few_images, chosen)
    assert training.stopping.settling == settling


def test_a_run_that_overfits_ends_early_and_keeps_its_history(few_images):
    settings = {"epochs": 60, "validation": 0.2, "patience": 2, "learning_rate": 0.01}
    outcome, history, _ = trained(few_images, model="ae", **settings)
    found = [row["validation_loss"] for row in history]
    assert outcome.diverged == ""
    assert outcome.epochs == len(history) < 60
    assert min(found[-2:]) >= found[-3] == min(found)


def test_a_run_that_ends_early_leaves_whole_files(few_images, tmp_path):
    images, files = tmp_path / "images", RunFiles(tmp_path / "run", tmp_path / "state")
    save_file(few_images.tensors(), images, metadata={"checksum": checksum(few_images)})
    snapshots = {"epochs": [0, 60], "samples": 4, "manifold": 2}
    settings = SETTINGS | {"model": "ae", "hyperparameters": {"latent_dim": 2, "hidden": 64}}
    settings |= {"epochs": 60, "validation": 0.2, "patience": 2, "learning_rate": 0.01}
    train_run(settings | {"snapshots": snapshots}, images, files, "cpu", "code")
    run = TrainedRun(files)
    last = run.outcome.epochs
    assert run.outcome.is_finished
    assert len(run.history) == last < 60
    assert run.last("codes").shape == (len(few_images.test_images), 2)
    assert {*run.snapshot_names()} == {0, last}
    measured = losses.of_history(run.history)
    assert measured["min_validation_loss"] == run.history["validation_loss"].min()


def test_the_history_has_further_columns_only_where_something_is_set(few_images):
    _, (plain, *_), _ = trained(few_images)
    _, (full, *_), _ = trained(few_images, schedule="cosine", validation=0.2)
    assert full.keys() - plain.keys() == {
        "train_learning_rate",
        *(f"validation_{name}" for name in ("loss", "reconstruction", "kl")),
    }
    assert {*full} <= catalogue.history_columns() | {"epoch"}


def test_losses_are_whole_while_the_kl_is_annealed(few_images):
    _, history, _ = trained(few_images, kl_warm_up=3)
    for row in history:
        for part in ("train", "test"):
            terms = row[f"{part}_reconstruction"] + row[f"{part}_kl"]
            assert row[f"{part}_loss"] == pytest.approx(terms)


# Players with learning rates of their own


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("gan", {"generator_learning_rate": 1}),
        ("cond_gan", {"generator_learning_rate": 1}),
        ("wgan", {"generator_learning_rate": 1}),
        ("aae", {"discriminator_learning_rate": 0, "generator_learning_rate": 1}),
    ],
)
def test_a_player_may_have_a_learning_rate_of_its_own(model, rates, few_images):
    network = build(model, 3, few_images.shape)
    for rate, player in rates.items():
        turns = turns_of(network, SETTINGS | {rate: 0.5})
        found = [turn.optimizer.learning_rate for turn in turns]
        assert found == [0.5 if number == player else 1e-3 for number in range(len(turns))]
    assert {*catalogue.options(model)} >= {*rates}


# What every option must do


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_changes_the_training(option, few_images):
    _, _, plain = trained(few_images, epochs=2)
    _, _, other = trained(few_images, epochs=2, **{option: OPTIONS[option]})
    assert not torch.equal(plain["model/encoder.1.weight"], other["model/encoder.1.weight"])


@pytest.mark.parametrize("option", OPTIONS)
def test_replayed_steps_with_each_option_give_the_same_bits(option, few_images):
    chosen = {option: OPTIONS[option]}
    _, history, state = trained(few_images, **chosen)
    _, again, state_again = trained(few_images, lambda noise: Replayed(tape), **chosen)
    assert history == again
    assert same(state, state_again)


@pytest.mark.parametrize(("model", "schedule"), [("wgan", "step"), ("aae", "exponential")])
def test_replayed_steps_of_players_with_all_options_give_the_same_bits(model, schedule, few_images):
    chosen = {name: value for name, value in ALL.items() if name in catalogue.options(model)}
    chosen |= {"schedule": schedule, "generator_learning_rate": 2e-3}
    _, history, state = trained(few_images, model=model, **chosen)
    _, again, state_again = trained(few_images, lambda noise: Replayed(tape), model, **chosen)
    assert history == again
    assert same(state, state_again)


@pytest.mark.parametrize("option", ALL)
def test_a_training_with_each_option_goes_on_in_the_same_bits(option, few_images):
    chosen = SETTINGS | {"validation": 0.2, option: ALL[option], "epochs": 4}
    untouched, states, rows = (
        Training(build("vae", 3, few_images.shape), few_images, chosen),
        [],
        [],
    )

    def keep(row):
        states.append(untouched.state())
        rows.append(row)

    untouched.run(keep)
    for epoch in range(1, len(rows)):
        resumed, others = Training(build("vae", 3, few_images.shape), few_images, chosen), []
        resumed.resume_from(states[epoch - 1], epoch, [0.0] * epoch)
        resumed.run(others.append)
        assert others == rows[epoch:]
        assert same(resumed.state(), states[-1])


# Values that make no sense


def run_settings(**changes):
    hyperparameters = {"latent_dim": 2}
    return SETTINGS | {"model": "vae", "hyperparameters": hyperparameters} | changes


@pytest.mark.parametrize("rise", ["warm_up", "kl_warm_up"])
def test_a_rise_that_outlasts_the_training_is_refused(rise):
    try_run("a", run_settings(**{rise: 3}), SIZE)
    with pytest.raises(UserError, match=rf"^a: {rise}: found 4, more epochs .*: 3 at most$"):
        try_run("a", run_settings(**{rise: 4}), SIZE)


def test_a_batch_must_fit_into_the_images_that_are_left():
    try_run("a", run_settings(batch_size=80, validation=0.2), SIZE)
    with pytest.raises(UserError, match="allowed: up to the 79 training images"):
        try_run("a", run_settings(batch_size=80, validation=0.21), SIZE)


@pytest.mark.parametrize(
    ("model", "constant", "value", "said"),
    [
        ("vae", "annealed", ("kld",), "annealed names kld, which is none of reconstruction, kl"),
        ("gan", "own_rates", (), "a player's rate is generator_learning_rate, which is none of"),
    ],
)
def test_a_model_that_misspells_an_option_is_refused(model, constant, value, said, monkeypatch):
    monkeypatch.setattr(models.load(model), constant, value)
    with pytest.raises(UserError, match=said):
        try_run("a", run_settings(model=model), SIZE)
