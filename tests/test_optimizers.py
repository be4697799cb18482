"""Each optimizer against its formula, step by step in plain double precision, or PyTorch's own."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from latentgrid.grid import components
from latentgrid.training import optimizers
from latentgrid.training.optimizers import Optimizer

LEARNING_RATE = 0.01
STEPS = 6


def adam(theta, gradients, beta1=0.9, epsilon=1e-8):
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        mean = beta1 * mean + (1 - beta1) * g
        square = 0.999 * square + 0.001 * g**2
        rate = LEARNING_RATE * np.sqrt(1 - 0.999**t) / (1 - beta1**t)
        theta = theta - rate * mean / (np.sqrt(square) + epsilon)
        yield theta


def adam_gan(theta, gradients):
    return adam(theta, gradients, beta1=0.5)


def adam_keras(theta, gradients):
    return adam(theta, gradients, epsilon=1e-7)


def rmsprop(theta, gradients):
    square = np.ones_like(theta)
    for g in gradients:
        square = 0.9 * square + 0.1 * g**2
        theta = theta - LEARNING_RATE * g / np.sqrt(square + 1e-10)
        yield theta


def adadelta(theta, gradients):
    square, moved = np.zeros_like(theta), np.zeros_like(theta)
    for g in gradients:
        square = 0.95 * square + 0.05 * g**2
        update = np.sqrt(moved + 1e-8) / np.sqrt(square + 1e-8) * g
        moved = 0.95 * moved + 0.05 * update**2
        theta = theta - LEARNING_RATE * update
        yield theta


def sgd(theta, gradients):
    for g in gradients:
        theta = theta - LEARNING_RATE * g
        yield theta


def momentum(theta, gradients):
    speed = np.zeros_like(theta)
    for g in gradients:
        speed = 0.9 * speed + g
        theta = theta - LEARNING_RATE * speed
        yield theta


def adagrad(theta, gradients):
    squares = np.zeros_like(theta)
    for g in gradients:
        squares = squares + g**2
        theta = theta - LEARNING_RATE * g / (np.sqrt(squares) + 1e-10)
        yield theta


# Of a single group, `adam_000` makes Adam's steps; of two, see below and test_witnesses.py.
REFERENCES = {
    "adam": adam,
    "adam_000": adam,
    "adam_gan": adam_gan,
    "adam_keras": adam_keras,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "sgd": sgd,
    "momentum": momentum,
    "adagrad": adagrad,
}
TORCHS_OWN = {
    "adam": torch.optim.Adam,
    "adam_000": torch.optim.Adam,
    "adam_gan": torch.optim.Adam,
    "adam_keras": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "adadelta": torch.optim.Adadelta,
}


def minimise(optimizer, loss):
    """Take a step with an optimizer of ours or of PyTorch's."""
    if isinstance(optimizer, Optimizer):
        optimizer.minimise(loss)
    else:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def trajectory(make, theta, gradients, dtype):
    """Values of two parameters, one of them the other's negative, after each step."""
    parameters = [torch.tensor(sign * theta, dtype=dtype, requires_grad=True) for sign in (1, -1)]
    optimizer = make(parameters)
    for g in gradients:
        loss = sum(
            (p * torch.tensor(s * g, dtype=dtype)).sum()
            for p, s in zip(parameters, (1, -1), strict=True)
        )
        minimise(optimizer, loss)
        assert torch.equal(parameters[0], -parameters[1])
        yield parameters[0].detach().double().numpy().copy()


def problem(scale):
    """A start and gradients of about the given size, small enough for ε to matter at 1e-8."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), scale * rng.normal(size=(STEPS, 4, 3))


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4])
@pytest.mark.parametrize("name", REFERENCES)
def test_steps_follow_the_formula(name, scale):
    theta, gradients = problem(scale)
    steps = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        theta,
        gradients,
        torch.float64,
    )
    # From the start, as steps of 1e-10 would drown in weights of 1.
    for ours, reference in zip(steps, REFERENCES[name](theta, gradients), strict=True):
        np.testing.assert_allclose(ours - theta, reference - theta, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", REFERENCES)
def test_single_precision_stays_close_to_the_formula(name):
    theta, gradients = problem(1.0)
    steps = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        theta,
        gradients,
        torch.float32,
    )
    for ours, reference in zip(steps, REFERENCES[name](theta, gradients), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        # m = 0.2, v = 0.004, rate = 0.01·√0.001/0.1; the step is 0.01 but for ε
        ("adam", 1 - 0.01 * 0.001**0.5 / 0.1 * 0.2 / (0.004**0.5 + 1e-8)),
        ("adam_keras", 1 - 0.01 * 0.001**0.5 / 0.1 * 0.2 / (0.004**0.5 + 1e-7)),
        # m = 1, v = 0.004, rate = 0.01·√0.001/0.5: at the first step β₁ cancels
        ("adam_gan", 1 - 0.01 * 0.001**0.5 / 0.5 * 1.0 / (0.004**0.5 + 1e-8)),
        # s = 0.9·1 + 0.1·4 = 1.3
        ("rmsprop", 1 - 0.01 * 2 / 1.3**0.5),
        # s = 0.05·4 = 0.2
        ("adadelta", 1 - 0.01 * 1e-4 / (0.2 + 1e-8) ** 0.5 * 2),
    ],
)
def test_the_first_step_by_hand(name, after):
    theta, gradient = np.array([1.0]), np.array([2.0])
    steps = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        theta,
        [gradient],
        torch.float64,
    )
    assert next(steps)[0] == pytest.approx(after, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "scale"),
    [("adam", 1e-8), ("adam_gan", 1e-8), ("adam_keras", 1e-8), ("rmsprop", 1.0), ("adadelta", 1.0)],
)
def test_pytorchs_defaults_would_step_elsewhere(name, scale):
    theta, gradients = problem(scale)
    ours = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        theta,
        gradients,
        torch.float64,
    )
    theirs = trajectory(
        lambda parameters: TORCHS_OWN[name](parameters, lr=LEARNING_RATE),
        theta,
        gradients,
        torch.float64,
    )
    for mine, other in zip(ours, theirs, strict=True):
        assert np.abs(mine - other).max() > 0.1 * np.abs(mine - theta).max()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e4])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda of: torch.optim.SGD(of, lr=LEARNING_RATE)),
        ("momentum", lambda of: torch.optim.SGD(of, lr=LEARNING_RATE, momentum=0.9)),
        ("adagrad", lambda of: torch.optim.Adagrad(of, lr=LEARNING_RATE)),
    ],
)
def test_these_are_pytorchs(name, theirs, scale):
    theta, gradients = problem(scale)
    ours = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        theta,
        gradients,
        torch.float64,
    )
    for mine, other in zip(ours, trajectory(theirs, theta, gradients, torch.float64), strict=True):
        np.testing.assert_allclose(mine - theta, other - theta, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        # 1 + 1 + … ; 1 + 1.9 + 2.71 + … ; 1 + 1/√2 + 1/√3 + …
        ("sgd", lambda steps: steps),
        ("momentum", lambda steps: sum(10 * (1 - 0.9**t) for t in range(1, steps + 1))),
        ("adagrad", lambda steps: sum(t**-0.5 for t in range(1, steps + 1))),
    ],
)
def test_how_far_a_constant_gradient_leads(name, moved):
    steps = 50
    *_, last = trajectory(
        lambda parameters: optimizers.load(name)([parameters], LEARNING_RATE),
        np.array([0.0]),
        np.ones((steps, 1)),
        torch.float64,
    )
    assert last[0] == pytest.approx(-LEARNING_RATE * moved(steps), rel=1e-9)


def test_the_second_step_of_adam_gan_by_hand():
    """Gradients 2 and −1: m = 1 then 0.5·1 − 0.5 = 0, so the second step stands still."""
    steps = trajectory(
        lambda parameters: optimizers.load("adam_gan")([parameters], LEARNING_RATE),
        np.array([1.0]),
        np.array([[2.0], [-1.0]]),
        torch.float64,
    )
    first, second = (step[0] for step in steps)
    assert first < 1
    assert second == first


@pytest.mark.parametrize(("step", "ratio"), [(50, 1.39), (600, 1.24), (3000, 1.025)])
def test_the_rate_of_adam_in_turn_over_that_of_adam(step, ratio):
    """Under a constant gradient: for 0.9ᵗ is gone by then, √(1 − 0.999²ˢ) ÷ √(1 − 0.999ˢ)."""
    ends = {}
    for name, groups in (("adam", 1), ("adam_000", 2)):
        weights = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(groups)]
        optimizer = optimizers.load(name)([[weight] for weight in weights], 1.0)
        for _ in range(step):
            before = float(weights[-1].detach())
            optimizer.minimise(sum(weights).sum() * optimizer.steps.new_ones(()))
        ends[name] = before - float(weights[-1].detach())
    assert ends["adam_000"] / ends["adam"] == pytest.approx(ratio, abs=0.005)


def test_the_grid_offers_these_optimizers():
    from latentgrid.grid import messages
    from latentgrid.grid.catalogue import settings_schema

    of_000, of_others = (
        messages.allowed(settings_schema(model).model_fields["optimizer"])
        for model in ("vae", "ae")
    )
    assert of_000.split(", ") == sorted(REFERENCES) == list(components.names("optimizers"))
    assert of_others == "adadelta, adagrad, adam, adam_gan, adam_keras, momentum, rmsprop, sgd"


def test_training_does_not_import_the_compiler():
    script = """
import sys, torch
from latentgrid import models
from latentgrid.data import Batch
from latentgrid.training import loop
from latentgrid.grid import components
from latentgrid.training import optimizers
for make in map(optimizers.load, components.names("optimizers")):
    model = models.load("conv_vae")((1, 8, 8), 2)
    optimizer = make([model.parameters()], 0.1)
    batch = Batch(torch.rand(3, 1, 8, 8), torch.zeros(3))
    optimizer.minimise(model.batch_loss(model.losses(batch, torch.Generator())))
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
