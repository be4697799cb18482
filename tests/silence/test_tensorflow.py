"""The models and optimizers of source 000 beside TensorFlow itself, in double precision.

What TensorFlow computed stands in `tensorflow_witness.json`, made by `tensorflow_witness.py`.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import tensorflow_witness as witness
from latentgrid import models
from latentgrid.data import Batch
from latentgrid.training import optimizers

CASES = json.loads(Path(witness.__file__).with_suffix(".json").read_text())["cases"]
SHAPE = (1, witness.SIDE, witness.SIDE)
LOW = witness.SIDE // 4
ROUNDING = 1e-11  # of sums over some thousand weights; 1e-12 is seen


def our_layout(model, place, tensor):
    """Map TensorFlow's tensor of a variable to ours: see `nets.conv` for what is turned."""
    convolutional = model != "vae"
    if tensor.ndim == 4:
        turned = tensor[::-1, ::-1] if place > 5 else tensor
        return turned.transpose(3, 2, 0, 1)
    if convolutional and place == 4:  # what the encoder has flattened: h, w, c there
        return tensor.reshape(6, 6, 64, -1).transpose(3, 2, 0, 1).reshape(tensor.shape[1], -1)
    if convolutional and place in {6, 7}:  # what the decoder is going to unflatten, and turns
        images = tensor.reshape(-1, LOW, LOW, 32)[:, ::-1, ::-1].transpose(3, 1, 2, 0)
        return images.reshape(-1, len(tensor)) if place == 6 else images.reshape(-1)
    return tensor.T


def their_shapes(model, d):
    """Return the shapes of TensorFlow's variables in the order of its layers."""
    if model == "vae":
        sizes = [(784, 512, 512, 512, 2 * d), (d, 512, 512, 784)]
        pairs = [pair for network in sizes for pair in itertools.pairwise(network)]
        return [shape for inputs, outputs in pairs for shape in ((inputs, outputs), (outputs,))]
    kernels = [(3, 3, 1, 32), (3, 3, 32, 64), (2304, d if model == "mmd_vae" else 2 * d)]
    kernels += [(d, 1568), (3, 3, 64, 32), (3, 3, 32, 64), (3, 3, 1, 32)]
    outputs = [32, 64, kernels[2][1], 1568, 64, 32, 1]
    return [shape for k, o in zip(kernels, outputs, strict=True) for shape in (k, (o,))]


def projections(model, shapes, tensors):
    """Return what `witness.fingerprints` gives of our tensors in TensorFlow's layout."""
    theirs = []
    for place, (shape, tensor) in enumerate(zip(shapes, tensors, strict=True)):
        places = our_layout(model, place, np.arange(np.prod(shape)).reshape(shape))
        laid_out = np.empty(np.prod(shape))
        laid_out[places.ravel()] = tensor.detach().numpy().ravel()
        theirs.append(laid_out.reshape(shape))
    return np.array(witness.fingerprints(theirs))


def our_course(name, d, optimizer_name, monkeypatch):
    """Train our model as the witness did: its losses, first gradient, and how far weights moved."""
    model = models.load(name)(SHAPE, d).double()
    shapes = their_shapes(name, d)
    with torch.no_grad():
        drawn = witness.weights_of(shapes)
        for place, (parameter, values) in enumerate(zip(model.parameters(), drawn, strict=True)):
            parameter.copy_(torch.from_numpy(our_layout(name, place, values).copy()))
    start = [parameter.detach().clone() for parameter in model.parameters()]
    (player,) = model.players()
    optimizer = optimizers.load(optimizer_name)(player.groups, witness.LEARNING_RATE)
    losses, gradient = [], None
    for images, noise in witness.batches(d):
        given = torch.from_numpy(noise)
        monkeypatch.setattr(torch.Tensor, "normal_", lambda to, given=given, **_: to.copy_(given))
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
        terms = player.losses(Batch(pixels, torch.zeros(len(pixels))), torch.Generator())
        objective = player.objective(terms)
        if gradient is None:
            slopes = torch.autograd.grad(objective, player.parameters, retain_graph=True)
            gradient = projections(name, shapes, slopes)
        losses.append(float(objective.detach()))
        optimizer.minimise(objective)
    moved = [after - before for after, before in zip(model.parameters(), start, strict=True)]
    return losses, gradient, projections(name, shapes, moved)


@pytest.mark.parametrize("optimizer", witness.OPTIMIZERS)
@pytest.mark.parametrize("d", witness.DIMENSIONS)
@pytest.mark.parametrize("model", witness.MODELS)
def test_models_and_optimizers_are_those_of_tensorflow(model, d, optimizer, monkeypatch):
    theirs = CASES[f"{model}, d = {d}, {optimizer}"]
    losses, gradient, moved = our_course(model, d, optimizer, monkeypatch)
    np.testing.assert_allclose(losses, np.sum(theirs["losses"], axis=1), rtol=1e-13)
    first = np.array(theirs["gradient"])
    np.testing.assert_allclose(gradient, first, rtol=1e-11, atol=1e-12 * np.abs(first).max())
    np.testing.assert_allclose(moved, theirs["moved"], rtol=1e-10, atol=ROUNDING)


@pytest.mark.parametrize("model", witness.MODELS)
def test_adam_in_one_application_is_another_optimizer(model):
    """So that the comparison above can tell the two apart, and a verdict must."""
    once, in_turn = (np.array(CASES[f"{model}, d = 2, {o}"]["moved"]) for o in ("adam", "adam_000"))
    assert np.abs(in_turn - once).max() > 1e9 * ROUNDING


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
