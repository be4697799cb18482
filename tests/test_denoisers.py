"""What the corruptions do to images, and the models that undo them."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from latentgrid import models
from latentgrid.data import Batch, to_unit_interval
from latentgrid.data.corruptions import load
from latentgrid.grid import catalogue, components, hyperparameters
from latentgrid.nets.unet import Level
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from latentgrid.training.optimizers.adam import Adam
from networks import MNIST_SHAPE, build

SHAPES = (MNIST_SHAPE, (3, 32, 32), (2, 8, 12))
CORRUPTIONS = {name: load(name) for name in components.names("corruptions")}


def draws(*shape, seed=0):
    """Return numbers in (0.1, 1), none of which is black."""
    return 0.1 + 0.9 * torch.rand(*shape, generator=random_generator(seed, "draws"))


def noise(seed=7):
    return random_generator(seed, "noise")


def removed(images, damaged):
    """Return which pixels were removed, (n, h, w); all others must be as they were."""
    gone = (damaged == 0).all(dim=1)
    assert torch.equal(damaged, images * ~gone[:, None])
    return gone


@pytest.mark.parametrize("name", sorted(CORRUPTIONS.keys() - {"blur"}))
def test_another_generator_makes_other_damage(name):
    images = draws(20, *MNIST_SHAPE)
    corrupt = CORRUPTIONS[name]
    assert not torch.equal(corrupt(images, noise()), corrupt(images, noise(8)))


@pytest.mark.parametrize(("name", "share"), [("pixels_50", 0.5), ("pixels_90", 0.9)])
@pytest.mark.parametrize("shape", SHAPES)
def test_that_share_of_the_pixels_is_removed_each_on_its_own(name, share, shape):
    images = draws(2000, *shape)
    gone = removed(images, CORRUPTIONS[name](images, noise())).double()
    error = (share * (1 - share) / gone.numel()) ** 0.5
    assert gone.mean().item() == pytest.approx(share, abs=4 * error)
    per_place = gone.mean(dim=0)
    assert (per_place - share).abs().max() < 6 * (share * (1 - share) / 2000) ** 0.5
    beside = np.corrcoef(gone[:, :, 1:].flatten(), gone[:, :, :-1].flatten())[0, 1]
    assert abs(beside) < 0.02


@pytest.mark.parametrize(("shape", "side"), [(MNIST_SHAPE, 16), ((3, 32, 32), 16), ((2, 8, 12), 4)])
def test_a_block_is_a_square_inside_every_image_at_differing_places(shape, side):
    images = draws(3000, *shape)
    gone = removed(images, CORRUPTIONS["block"](images, noise()))
    rows, columns = gone.any(dim=2), gone.any(dim=1)
    assert (gone == rows[:, :, None] & columns[:, None, :]).all()
    for marked, length in ((rows, shape[1]), (columns, shape[2])):
        assert (marked.sum(dim=1) == side).all()
        first = marked.int().argmax(dim=1)
        assert (marked.int().diff(dim=1).abs().sum(dim=1) <= 2).all(), "in one piece"
        counts = torch.bincount(first)
        assert len(counts) == length - side + 1
        expected = 3000 / len(counts)
        assert (counts - expected).abs().max() < 5 * expected**0.5


@pytest.mark.parametrize("shape", SHAPES)
def test_blur_is_scipys_gaussian_filter(shape):
    images = draws(2, *shape)
    height, width = shape[1:]
    radius = (0, 0, min(12, height - 1), min(12, width - 1))
    expected = gaussian_filter(images.double().numpy(), (0, 0, 4, 4), radius=radius, mode="mirror")
    np.testing.assert_allclose(CORRUPTIONS["blur"](images, noise()), expected, atol=1e-5)


def test_noise_has_its_spread_where_it_is_not_cut():
    added = CORRUPTIONS["noise"](torch.full((50, *MNIST_SHAPE), 0.5), noise()) - 0.5
    inside = added.abs() < 0.5
    assert inside.double().mean().item() == pytest.approx(0.6827, abs=0.01)
    assert added[inside].std().item() == pytest.approx(0.5 * 0.5396, rel=0.02)  # N(0, 1) in (−1, 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_inpainting_removes_one_of_the_four_halves(shape):
    images = draws(400, *shape)
    gone = removed(images, CORRUPTIONS["inpainting"](images, noise()))
    height, width = shape[1:]
    halves = torch.zeros(4, height, width, dtype=torch.bool)
    halves[0, : height // 2] = halves[1, height // 2 :] = True
    halves[2, :, : width // 2] = halves[3, :, width // 2 :] = True
    which = (gone[:, None] == halves).flatten(2).all(dim=2)
    assert (which.sum(dim=1) == 1).all()
    assert (which.sum(dim=0) - 100).abs().max() < 40


# The models


@pytest.mark.parametrize("name", ["dae", "unet"])
def test_a_denoiser_offers_every_corruption(name):
    annotation, default = catalogue.model_hyperparameters(name)["corruption"]
    assert annotation == hyperparameters.Corruption
    assert default in CORRUPTIONS


@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize(
    ("name", "choices"),
    [("dae", {"network": "dense"}), ("dae", {"network": "conv"}), ("unet", {"channels": 4})],
)
def test_the_loss_is_between_the_restored_image_and_the_clean_one(name, choices, corruption):
    model = build(name, corruption=corruption, **choices)
    images = draws(4, *MNIST_SHAPE)
    with torch.no_grad():
        losses = model.losses(Batch(images, torch.zeros(4).long()), noise())
        damaged = CORRUPTIONS[corruption](images, noise())
        assert torch.equal(model.corrupt(images, noise()), damaged)
        restored = model.denoise(damaged)
    expected = (restored - images).square().flatten(1).sum(1)
    torch.testing.assert_close(losses["reconstruction"], expected)
    seen = (restored - damaged).square().flatten(1).sum(1)
    assert not torch.isclose(expected, seen).any()


def test_a_denoising_autoencoder_encodes_images_as_given():
    model = build("dae")
    images = draws(3, *MNIST_SHAPE)
    assert torch.equal(model.encode(images), model.encoder(images))


def test_a_u_net_has_no_codes():
    model = build("unet", channels=4)
    assert isinstance(model, models.Reconstructor)
    assert isinstance(model, models.Corrupter)
    assert not isinstance(model, models.Encoder | models.Decoder)


def test_a_u_net_that_gives_black_images_alone_still_learns():
    model = build("unet", channels=4)
    with torch.no_grad():
        model.network[-1].bias.fill_(-30)
    images = draws(2, *MNIST_SHAPE)
    assert model.reconstruct(images).count_nonzero() == 0
    loss = model.losses(Batch(images, torch.zeros(2).long()), noise())["reconstruction"].sum()
    (gradient,) = torch.autograd.grad(loss, model.network[-1].bias)
    assert gradient < -30


def keep_only(level, path):
    """Cut off all that a level has besides its skip connection, or besides what lies below."""
    convolution = level.up[0]
    skipped, below = convolution.weight.split(convolution.in_channels // 2, dim=1)
    with torch.no_grad():
        {"skip": below, "below": skipped}[path].zero_()


def levels_of(model):
    upper, lower, _ = (m for m in model.modules() if isinstance(m, Level))
    return upper, lower


def reach(model):
    """Return how many input pixels the pixel in the middle of the output depends on."""
    images = draws(1, *MNIST_SHAPE).requires_grad_()
    (gradient,) = torch.autograd.grad(model.denoise(images)[0, 0, 14, 14], images)
    return gradient.count_nonzero().item()


def test_both_the_skip_connections_and_what_lies_below_reach_the_output():
    images = draws(2, *MNIST_SHAPE)
    outputs = []
    for path in (None, "skip", "below"):
        model = build("unet", channels=4)
        if path is not None:
            keep_only(levels_of(model)[0], path)
        with torch.no_grad():
            outputs.append(model.denoise(images))
            assert not torch.allclose(*outputs[-1].chunk(2)), "it depends on the image"
    whole, skips_alone, below_alone = outputs
    assert not torch.allclose(whole, skips_alone)
    assert not torch.allclose(whole, below_alone)


def test_without_what_lies_below_a_pixel_depends_on_the_nine_by_nine_around_it():
    model = build("unet", channels=8)
    assert reach(model) > 81
    keep_only(levels_of(model)[0], "skip")
    assert 9 < reach(model) <= 81


def test_skip_connections_carry_details_that_halving_loses():
    """Black and white noise can be passed on pixel by pixel, but hardly through fewer pixels."""

    def error_after_training(skips):
        model = build("unet", shape=(1, 8, 8), channels=4)
        images = (draws(64, 1, 8, 8) > 0.5).float()
        optimizer = Adam([model.parameters()], 0.01)
        for _ in range(150):
            if not skips:
                for level in levels_of(model):
                    keep_only(level, "below")
            error = (model.denoise(images) - images).square().sum()
            optimizer.minimise(error)
        return error.item()

    assert error_after_training(skips=True) < 0.5 * error_after_training(skips=False)


def test_a_u_net_has_the_layers_of_its_description():
    model = build("unet")
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    pairs = Counter((m.in_channels, m.out_channels) for m in convolutions)
    down = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    up = [(128, 64), (128, 64), (64, 64), (64, 32), (64, 32), (32, 32), (32, 1)]
    assert pairs == Counter(down) + Counter(up)
    assert sum(isinstance(m, nn.MaxPool2d) for m in model.modules()) == 2


@pytest.mark.parametrize("name", ["dae", "unet"])
def test_training_makes_damaged_images_better(name, few_images):
    choices = {"dae": {"network": "dense", "latent_dim": 20}, "unet": {"channels": 4}}[name]
    model = build(name, corruption="pixels_50", **choices)
    settings = {"optimizer": "adam", "learning_rate": 3e-3}
    settings |= {"epochs": 12, "batch_size": 5, "precision": "float32", "seed": 0}
    Training(model, few_images, settings).run(lambda row: None)
    clean = to_unit_interval(few_images.train_images)
    damaged = model.corrupt(clean, noise())
    with torch.no_grad():
        restored = models.reconstruct(model.eval(), damaged)
    assert (restored - clean).square().sum() < 0.6 * (damaged - clean).square().sum()
