"""Our models and optimizers beside the frameworks that the sources used, and beside pythae.

Each file in `witnesses` holds what a framework computed in double precision from the same images,
weights and noise; the script in `tools/witnesses` that made it shares no code with ours. How well
they agree stands in docs/witnesses.md.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import draws
from latentgrid import models
from latentgrid.data import Batch
from latentgrid.models.bases.gaussian import GaussianVAE
from latentgrid.models.bases.keras import clipped_cross_entropy
from latentgrid.training import optimizers
from latentgrid.training.optimizers import Optimizer
from latentgrid.training.optimizers.adadelta import Adadelta
from latentgrid.training.optimizers.adam import Adam
from latentgrid.training.optimizers.rmsprop import RMSProp
from networks import build

FOLDER = Path(__file__).parent / "witnesses"
WITNESSES = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
SHAPE = (1, draws.SIDE, draws.SIDE)
ROUNDING = 1e-11  # relative to the size of each quantity; 4e-13 is seen
SINGLE = 1e-6
# From which layer on a network is the framework's turned by 180 degrees (`nets.conv`).
TURNED_FROM = {"conv_vae": 3, "mmd_vae": 3, "conv5_vae": 0}


def cases():
    """Yield each case of each witness, with the name of the witness in it."""
    for witness, held in WITNESSES.items():
        for case in held["cases"]:
            yield case | {"witness": witness}


def title(case, *parts):
    d = case["hyperparameters"]["latent_dim"]
    return " ".join([case["witness"], case["model"], f"d={d}", *(case[part] for part in parts)])


CASES = {title(case, "optimizer"): case for case in cases()}
MODELS = {title(case): case for case in cases()}  # whatever the optimizer


# Layouts


def in_our_layout(case, tensors):
    """Return a witness's tensors as ours are laid out."""
    if case["witness"] == "pythae":
        return tensors
    return [laid_out(case["model"], place // 2, tensor) for place, tensor in enumerate(tensors)]


def laid_out(model, layer, tensor):
    """Map a kernel or bias of Keras's layer, counted from the encoder's first one, to ours."""
    if tensor.ndim == 4:
        turned = tensor[::-1, ::-1] if layer >= TURNED_FROM[model] else tensor
        return turned.transpose(3, 2, 0, 1)
    of_000 = model in {"conv_vae", "mmd_vae"}
    if of_000 and layer == 2 and tensor.ndim == 2:  # its inputs were flattened from h, w, c
        return tensor.reshape(6, 6, 64, -1).transpose(3, 2, 0, 1).reshape(tensor.shape[1], -1)
    if of_000 and layer == 3:  # its outputs are unflattened to h, w, c, and turned
        images = tensor.reshape(-1, 7, 7, 32)[:, ::-1, ::-1].transpose(3, 1, 2, 0)
        return images.reshape(-1, len(tensor)) if tensor.ndim == 2 else images.reshape(-1)
    return tensor.T


def heads_apart(tensors, shapes):
    """Cut our last layer of an encoder in two where the framework has a layer for each half."""
    apart = list(tensors)
    if len(apart) < len(shapes):
        place = next(p for p, t in enumerate(apart) if t.numel() != np.prod(shapes[p]))
        halves = zip(*(tensor.chunk(2) for tensor in apart[place : place + 2]), strict=True)
        apart[place : place + 2] = [tensor for head in halves for tensor in head]
    return apart


# What ours computes


class Course:
    """A training of ours from a witness's weights, with its images and its noise."""

    def __init__(self, case, monkeypatch, precision=torch.float64, **otherwise):
        settings = case["hyperparameters"] | otherwise
        self.case, self.precision, self.patch = case, precision, monkeypatch
        self.shapes = [tuple(shape) for shape in case["shapes"]]
        self.along = in_our_layout(case, draws.directions(self.shapes))
        self.model = models.load(case["model"])(SHAPE, **settings).to(precision)
        if case["witness"] == "keras_002":
            keep_slopes_in_single_precision(self.model)
        start = in_our_layout(case, draws.weights(self.shapes))
        parts = heads_apart(self.model.parameters(), self.shapes)
        with torch.no_grad():
            for part, values in zip(parts, start, strict=True):
                part.copy_(torch.from_numpy(values.copy()))

    def objective(self, pixels, noise):
        """Return what a step minimises of a batch, and its terms as the sources add them up."""
        given = torch.from_numpy(noise)
        self.patch.setattr(torch.Tensor, "normal_", lambda to, **_: to.copy_(given))
        images = torch.from_numpy(pixels).unsqueeze(1).to(self.precision)
        losses = self.model.losses(Batch(images, torch.zeros(len(images))), torch.Generator())
        objective = self.model.batch_loss(losses)
        terms = {"loss": objective} | batch_terms(self.model, losses)
        return objective, {name: float(value.detach()) for name, value in terms.items()}

    def summaries(self, tensors):
        parts = heads_apart(tensors, self.shapes)
        return draws.summaries([part.detach().numpy() for part in parts], self.along)

    def trained_by(self, optimizer):
        """Return what the witness recorded of its training, of one of ours."""
        (player,) = self.model.players()
        start = [parameter.detach().clone() for parameter in self.model.parameters()]
        taker = optimizer(player.groups, self.case["learning_rate"])
        steps, gradient = [], None
        for pixels, noise in draws.batches(self.model.latent_dim):
            objective, terms = self.objective(pixels, noise)
            steps.append(terms)
            if gradient is None:
                slopes = torch.autograd.grad(objective, player.parameters, retain_graph=True)
                gradient = self.summaries(slopes)
            taker.minimise(objective)
        moved = [now - then for now, then in zip(self.model.parameters(), start, strict=True)]
        return {"steps": steps, "first_gradient": gradient, "moved": self.summaries(moved)}


def keep_slopes_in_single_precision(model):
    """As TensorFlow does whatever its tensors have; trainings are in single precision anyway."""
    for layer in model.modules():
        if isinstance(layer, nn.LeakyReLU):
            layer.negative_slope = float(np.float32(layer.negative_slope))


def batch_terms(model, losses):
    """Source 000 sums over the batch and subtracts d once, the others take means."""
    if isinstance(model, GaussianVAE):
        surplus = model.batch_surplus(len(losses["kl"]))
        return {
            "reconstruction": losses["reconstruction"].sum(),
            "kl": losses["kl"].sum() + surplus,
        }
    return {name: values.mean() for name, values in losses.items()}


def deviation(ours, theirs):
    """Return the largest deviation, relative to the term, or to the norm of the tensor."""
    found = [
        abs(mine[term] / value - 1)
        for mine, step in zip(ours["steps"], theirs["steps"], strict=True)
        for term, value in step.items()
    ]
    for quantity in ("first_gradient", "moved"):
        mine, other = (np.array(course[quantity]) for course in (ours, theirs))
        found += (np.abs(mine - other) / other[:, :1]).ravel().tolist()
    return max(found)


# Agreement


@pytest.mark.parametrize("name", CASES)
def test_losses_gradients_and_steps_are_the_frameworks(name, monkeypatch):
    case = CASES[name]
    ours = Course(case, monkeypatch).trained_by(optimizers.load(case["optimizer"]))
    assert deviation(ours, case) < ROUNDING


@pytest.mark.parametrize("name", MODELS)
def test_the_first_loss_in_single_precision_too(name, monkeypatch):
    case = MODELS[name]
    course = Course(case, monkeypatch, torch.float32)
    _, terms = course.objective(*draws.batches(course.model.latent_dim)[0])
    # An MMD is a difference of means of values near 1, and rounded as these are.
    assert terms["loss"] == pytest.approx(case["steps"][0]["loss"], rel=SINGLE, abs=SINGLE)


@pytest.mark.parametrize("name", [name for name in MODELS if "pythae" not in name])
def test_weights_start_within_the_frameworks_limits(name):
    """The largest of many uniform draws is the limit; of a tensor with few it may be smaller."""
    case = MODELS[name]
    parameters = build(case["model"], **case["hyperparameters"]).parameters()
    parts = heads_apart(parameters, [tuple(shape) for shape in case["shapes"]])
    for part, largest in zip(parts, case["largest_initial"], strict=True):
        near = 10 / part.numel()
        assert float(part.detach().abs().max()) == pytest.approx(largest, rel=near)


def test_the_clipped_cross_entropy_is_that_of_keras_where_it_clips():
    theirs = WITNESSES["keras_002"]["cross_entropies"]
    probabilities, pixels = (
        torch.tensor(theirs[name], dtype=torch.float64).reshape(-1, 1, 1, 1)
        for name in ("probabilities", "pixels")
    )
    values = clipped_cross_entropy(probabilities.requires_grad_(), pixels)
    (slopes,) = torch.autograd.grad(values.sum(), probabilities)
    np.testing.assert_allclose(values.detach(), theirs["values"], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(slopes.flatten(), theirs["slopes"], rtol=1e-14)


# The comparison sees what it must


class TorchsAdam(Optimizer):
    """PyTorch's own, which adds its ε to the corrected root."""

    EPSILON = 1e-8

    def __init__(self, groups, learning_rate):
        super().__init__(groups, learning_rate)
        self.torchs = torch.optim.Adam(self.parameters, learning_rate, eps=self.EPSILON)

    def update(self, gradients):
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.torchs.step()


class TorchsAdamWithKerassEpsilon(TorchsAdam):
    EPSILON = 1e-7


class RMSPropFromZero(RMSProp):
    def __init__(self, groups, learning_rate):
        super().__init__(groups, learning_rate)
        self.mean_squares = self.zeros()


class AdadeltaWithTorchsEpsilon(Adadelta):
    EPSILON = 1e-6


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("tensorflow_000 vae d=2 adam_000", TorchsAdam),
        ("tensorflow_000 vae d=2 adam_000", Adam),  # one application to both networks
        ("tensorflow_000 vae d=2 rmsprop", RMSPropFromZero),
        ("tensorflow_000 vae d=2 adadelta", AdadeltaWithTorchsEpsilon),
        ("keras_002 ae d=2 adam_keras", Adam),  # its ε is a tenth of Keras's
        ("keras_002 ae d=2 adam_keras", TorchsAdamWithKerassEpsilon),
    ],
)
def test_another_optimizer_is_told_apart(name, other, monkeypatch):
    case = CASES[name]
    assert deviation(Course(case, monkeypatch).trained_by(other), case) > 1000 * ROUNDING


@pytest.mark.parametrize("name", ["ae", "vae_bce", "beta_vae"])
def test_the_exact_cross_entropy_is_told_apart_from_keras_s(name, monkeypatch):
    case = CASES[f"keras_002 {name} d=2 adam_keras"]
    course = Course(case, monkeypatch, cross_entropy="exact")
    ours = course.trained_by(optimizers.load(case["optimizer"]))
    assert deviation(ours, case) > 1000 * ROUNDING


@pytest.mark.parametrize("name", ["vae_bce", "conv5_vae"])
def test_one_limit_for_both_heads_would_be_another(name):
    """So that the limits above are of each head: together they would be 2 and 6 % lower."""
    case = MODELS[f"keras_002 {name} d=20"]
    inputs, d = next(shape for shape in case["shapes"] if shape[-1] == 20)
    place = case["shapes"].index([inputs, d])
    of_both, of_each = (np.sqrt(6 / (inputs + outputs)) for outputs in (2 * d, d))
    assert case["largest_initial"][place] == pytest.approx(of_each, rel=10 / (inputs * d))
    assert of_both < of_each * (1 - 10 / (inputs * d))
