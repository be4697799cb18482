"""Autoencoders without a probability: PCA and its subspace, penalties, building blocks."""

import itertools

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.linalg import subspace_angles
from torch import nn
from torch.func import jacrev, vmap
from torch.nn import functional as F

from latentgrid import models
from latentgrid.data import Batch, Images, to_unit_interval
from latentgrid.data.augmentation import both, reflected, shifted
from latentgrid.errors import UserError
from latentgrid.nets.blocks import ACTIVATIONS, Blocks, LocalResponse, Mirror, Unpooling
from latentgrid.nets.initialise import glorot_uniform
from latentgrid.nets.sides import quarter
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from networks import MNIST_SHAPE, build

SMALL = (1, 4, 4)


def draws(*shape, seed=0):
    return torch.rand(*shape, generator=random_generator(seed, "draws"))


def labelled(images):
    return Batch(images, torch.arange(len(images)) % 10)


def noise():
    return random_generator(7, "noise")


# PCA and the linear autoencoder


def images_of_unequal_spread(n=400):
    """Return uint8 images of 4×4 pixels whose spread falls by the direction: 40, 30, 20, 5, …"""
    directions = torch.linalg.qr(torch.randn(16, 16, generator=random_generator(0, "q"))).Q
    spreads = torch.tensor([40.0, 30.0, 20.0] + [5.0] * 13)
    codes = torch.randn(n, 16, generator=random_generator(0, "z")) * spreads
    return (128 + codes @ directions).round().clamp(0, 255).to(torch.uint8).reshape(n, *SMALL)


def data_of(images):
    labels = torch.zeros(len(images), dtype=torch.uint8)
    return Images(images, labels, images[:50], labels[:50])


def fitted_pca(images, d):
    model = build("pca", d, shape=tuple(images.shape[1:]))
    model.before_epoch(1, images, noise())
    return model


def mean_error(model, images):
    with torch.no_grad():
        losses = model.losses(labelled(to_unit_interval(images)), noise())
    return losses["reconstruction"].double().mean().item()


def discarded_eigenvalues(images, d):
    pixels = images.flatten(1).double().numpy() / 255
    return np.linalg.eigvalsh(np.cov(pixels, rowvar=False, bias=True))[::-1][d:].sum()


@pytest.mark.parametrize("d", [1, 3, 15])
def test_the_error_of_pca_is_the_sum_of_the_discarded_eigenvalues(d):
    images = images_of_unequal_spread()
    error = mean_error(fitted_pca(images, d), images)
    assert error == pytest.approx(discarded_eigenvalues(images, d), rel=1e-4)


def test_pca_with_fewer_images_than_pixels_is_as_good():
    images = images_of_unequal_spread(10)
    error = mean_error(fitted_pca(images, 3), images)
    assert error == pytest.approx(discarded_eigenvalues(images, 3), rel=1e-4)


def test_pca_with_as_many_components_as_pixels_gives_the_images_back():
    images = images_of_unequal_spread()
    model = fitted_pca(images, 16)
    given = to_unit_interval(images)
    torch.testing.assert_close(model.decode(model.encode(given)), given, atol=1e-5, rtol=0)


def test_the_components_of_pca_are_orthonormal_and_its_codes_uncorrelated():
    images = images_of_unequal_spread()
    model = fitted_pca(images, 5)
    torch.testing.assert_close(model.components @ model.components.T, torch.eye(5))
    codes = model.encode(to_unit_interval(images)).double()
    torch.testing.assert_close(codes.mean(0), torch.zeros(5).double(), atol=1e-6, rtol=0)
    correlations = np.corrcoef(codes.numpy(), rowvar=False)
    np.testing.assert_allclose(correlations, np.eye(5), atol=1e-4)
    assert (codes.var(0).diff() < 0).all()


def test_pca_cuts_images_but_not_its_loss():
    images = draws(100, *SMALL).pow(8).mul(255).to(torch.uint8)
    model = fitted_pca(images, 2)
    given = to_unit_interval(images)
    projection = model.project(model.encode(given))
    outside = (projection < 0).flatten(1).any(dim=1)
    assert outside.any()
    cut = (model.decode(model.encode(given)) - given).square().flatten(1).sum(1)
    uncut = model.losses(labelled(given), noise())["reconstruction"]
    torch.testing.assert_close(uncut, (projection - given).square().flatten(1).sum(1))
    assert (cut < uncut)[outside].all()


def test_more_components_than_pixels_or_images_are_refused():
    with pytest.raises(UserError, match="up to the 16 pixels"):
        build("pca", 17, shape=SMALL)
    with pytest.raises(UserError, match="up to the 10 images"):
        build("pca", 11, shape=SMALL).require(epochs=1, images=10)


def test_no_linear_autoencoder_beats_pca():
    images = images_of_unequal_spread()
    best = mean_error(fitted_pca(images, 3), images)
    for seed in range(20):
        model = build("linear_ae", 3, shape=SMALL, seed=seed)
        model.before_epoch(1, images, noise())
        assert mean_error(model, images) > best
        with torch.no_grad():
            model.components.copy_(torch.linalg.qr(model.components.T).Q.T)
        assert mean_error(model, images) > best


def test_training_turns_the_linear_autoencoder_into_the_subspace_of_pca():
    images = images_of_unequal_spread()
    pca, model = fitted_pca(images, 3), build("linear_ae", 3, shape=SMALL)

    def angles():
        return subspace_angles(model.components.detach().T.numpy(), pca.components.T.numpy())

    assert angles().max() > 0.5
    for rate, epochs in ((0.01, 150), (0.001, 50)):
        settings = {"optimizer": "adam", "learning_rate": rate}
        settings |= {"epochs": epochs, "batch_size": 400, "precision": "float32", "seed": 0}
        Training(model, data_of(images), settings).run(lambda row: None)
    assert angles().max() < 1e-3
    best = mean_error(pca, images)
    assert best * (1 - 1e-6) < mean_error(model, images) < best * (1 + 1e-4)
    gram = (model.components @ model.components.T).detach()
    torch.testing.assert_close(gram, torch.eye(3), atol=1e-2, rtol=0)
    torch.testing.assert_close(model.mean, pca.mean)


# Dense autoencoders


def bumped(model, seed=0):
    """Give the biases values too."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.3, generator=random_generator(seed, name))
    return model


@pytest.mark.parametrize("name", ["ae", "sparse_ae", "contractive_ae"])
def test_a_dense_autoencoder_written_out(name):
    model = bumped(build(name, 4, hidden=9))
    images = draws(5, *MNIST_SHAPE)
    first, second, third, fourth = (m for m in model.modules() if isinstance(m, nn.Linear))
    codes = second(F.leaky_relu(first(images.flatten(1)), 0.3))
    logits = fourth(F.leaky_relu(third(codes), 0.3))
    cross_entropy = F.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="none")
    torch.testing.assert_close(model.encode(images), codes)
    torch.testing.assert_close(
        model.losses(labelled(images), noise())["reconstruction"], cross_entropy.sum(1)
    )


def test_hidden_layers_narrow_towards_the_code_and_widen_again():
    model = build("ae", 3, hidden=20, hidden_layers=3, narrowing=2)
    shapes = [tuple(m.weight.shape)[::-1] for m in model.modules() if isinstance(m, nn.Linear)]
    inwards = [(784, 20), (20, 10), (10, 5), (5, 3)]
    assert shapes == inwards + [(after, before) for before, after in inwards[::-1]]
    images = draws(2, *MNIST_SHAPE)
    assert model.decode(model.encode(images)).shape == images.shape


def test_layers_that_leave_no_unit_are_refused():
    with pytest.raises(UserError, match="narrowing: found 3, which leaves no unit in layer 4 of 4"):
        build("ae", hidden=20, hidden_layers=4, narrowing=3)


def test_the_sparse_term_is_the_sum_of_absolute_codes_times_its_weight():
    model = build("sparse_ae", 4, hidden=9, penalty=0.7)
    images = draws(5, *MNIST_SHAPE)
    losses = model.losses(labelled(images), noise())
    codes = model.encode(images)
    assert (codes < 0).any()
    torch.testing.assert_close(losses["absolute_code"], torch.linalg.vector_norm(codes, 1, dim=1))
    expected = losses["reconstruction"] + 0.7 * torch.linalg.vector_norm(codes, 1, dim=1)
    torch.testing.assert_close(model.loss(losses), expected)


def squared_jacobians(model, images):
    jacobians = vmap(jacrev(lambda image: model.encode(image[None])[0]))(images)
    return jacobians.square().flatten(1).sum(dim=1)


@pytest.mark.parametrize(("shape", "d", "hidden"), [((1, 5, 4), 3, 7), ((2, 3, 3), 11, 4)])
def test_the_contraction_is_the_squared_norm_of_the_jacobian(shape, d, hidden):
    model = bumped(build("contractive_ae", d, shape, hidden=hidden, penalty=0.2)).double()
    images = draws(6, *shape).double()
    exact = squared_jacobians(model, images)
    assert exact.max() > 1.05 * exact.min()
    torch.testing.assert_close(model.contraction(images), exact)
    losses = model.losses(labelled(images), noise())
    torch.testing.assert_close(model.loss(losses), losses["reconstruction"] + 0.2 * exact)


def test_the_gradient_of_the_contraction_is_that_of_the_jacobians_norm():
    model = bumped(build("contractive_ae", 3, (1, 5, 4), hidden=7)).double()
    images = draws(6, 1, 5, 4).double()
    weights = [m.weight for m in model.encoder.modules() if isinstance(m, nn.Linear)]
    ours = torch.autograd.grad(model.contraction(images).sum(), weights)
    exact = torch.autograd.grad(squared_jacobians(model, images).sum(), weights)
    for gradient, expected in zip(ours, exact, strict=True):
        assert expected.any()
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(
    ("name", "term"), [("sparse_ae", "absolute_code"), ("contractive_ae", "contraction")]
)
def test_a_heavier_penalty_makes_its_term_smaller(name, term, few_images):
    def term_with(penalty):
        rows = []
        model = build(name, 8, hidden=32, penalty=penalty)
        settings = {"optimizer": "adam", "learning_rate": 1e-3}
        settings |= {"epochs": 8, "batch_size": 10, "precision": "float32", "seed": 0}
        Training(model, few_images, settings).run(rows.append)
        return rows[-1][f"train_{term}"]

    assert term_with(100.0) < 0.5 * term_with(1e-4)


# Building blocks

OPTIONS = {
    "activation": ("relu", "leaky_relu", "elu", "tanh"),
    "normalisation": ("none", "batch", "layer", "weight", "local_response"),
    "downsampling": ("stride", "max", "average", "overlapping"),
    "upsampling": ("transposed", "nearest", "bilinear", "unpooling"),
    "padding": ("zeros", "reflect", "circular", "none"),
    "block": ("single", "plain", "residual", "wide"),
    "augmentation": ("none", "shift", "reflection", "both"),
}
ABLATION = [{option: value} for option, values in OPTIONS.items() for value in values]
PAIRS = [
    {"normalisation": normalisation, "upsampling": upsampling, "block": "residual"}
    for normalisation, upsampling in itertools.product(
        OPTIONS["normalisation"], OPTIONS["upsampling"]
    )
]
ALL_AT_ONCE = {
    "activation": "elu",
    "normalisation": "weight",
    "downsampling": "average",
    "upsampling": "bilinear",
    "padding": "reflect",
    "block": "residual",
}


def named(choices):
    return "-".join(choices.values())


def small_conv(shape=(2, 8, 12), seed=0, **choices):
    return build("conv_ae", 3, shape, seed, channels=4, **choices)


@pytest.mark.parametrize("choices", [*ABLATION, *PAIRS, ALL_AT_ONCE], ids=named)
def test_every_combination_of_blocks_trains_and_survives_a_file(choices, tmp_path):
    model = small_conv(**choices)
    images = (draws(24, 2, 8, 12) * 255).to(torch.uint8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings = {"optimizer": "adam", "learning_rate": 1e-3}
    settings |= {"epochs": 1, "batch_size": 24, "precision": "float32", "seed": 0}
    assert not Training(model, data_of(images), settings).run(lambda row: None).diverged
    for name, _ in model.named_parameters():
        assert not torch.equal(model.state_dict()[name], before[name]), name
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other = small_conv(seed=1, **choices)
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    model.eval(), other.eval()
    given = to_unit_interval(images)
    assert torch.equal(model.decode(model.encode(given)), other.decode(other.encode(given)))


@pytest.mark.parametrize("shape", [MNIST_SHAPE, (3, 32, 32), (2, 8, 12)])
def test_all_blocks_at_once_fit_every_image(shape):
    model = small_conv(shape, **ALL_AT_ONCE)
    images = draws(3, *shape)
    assert model.encode(images).shape == (3, 3)
    assert model.decode(model.encode(images)).shape == images.shape


@pytest.mark.parametrize("option", ["upsampling", "padding", "downsampling", "activation"])
def test_a_choice_changes_the_function_but_not_the_number_of_weights(option):
    choices = [value for value in OPTIONS[option] if value != "none"]
    built = [small_conv(**{option: value}) for value in choices]
    assert len({models.parameter_count(model) for model in built}) == 1
    images = draws(2, 2, 8, 12)
    with torch.no_grad():
        outputs = [model.decode(model.encode(images)) for model in built]
    for first, second in itertools.combinations(outputs, 2):
        assert not torch.allclose(first, second)


def test_the_skip_connection_is_all_that_residual_differs_from_plain():
    plain, residual = (small_conv(block=block) for block in ("plain", "residual"))
    assert models.parameter_count(plain) == models.parameter_count(residual)
    images = draws(2, 3, 6, 8)
    block = Blocks(block="residual").further(3)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    assert torch.equal(block(images), images)
    assert isinstance(Blocks().further(3), nn.Identity)


def test_two_3x3_convolutions_see_as_far_as_one_of_5x5_and_have_fewer_weights():
    """Simonyan and Zisserman (2015, section 2.3): 2·(9C² + C) weights against 25C² + C."""
    counts = {}
    for block in ("plain", "wide"):
        layers = Blocks(activation="elu", block=block).further(6)
        image = torch.zeros(1, 6, 9, 9, requires_grad=True)
        layers(image)[0, :, 4, 4].sum().backward()
        rows, columns = image.grad[0].abs().sum(dim=0).nonzero(as_tuple=True)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 6, 2, 6)
        counts[block] = models.parameter_count(layers)
    assert counts == {"plain": 2 * (9 * 36 + 6), "wide": 25 * 36 + 6}


@pytest.mark.parametrize("block", ["plain", "residual", "wide"])
def test_depth_stacks_blocks(block):
    one, three = (Blocks(block=block, depth=depth).further(4) for depth in (1, 3))
    assert models.parameter_count(three) == 3 * models.parameter_count(one)
    assert three(draws(1, 4, 6, 6)).shape == (1, 4, 6, 6)


def test_a_depth_without_blocks_is_refused():
    with pytest.raises(UserError, match=r"depth: found 2; allowed: 1 where block is single"):
        small_conv(depth=2)


@pytest.mark.parametrize("width", [1, 2])
def test_mirror_is_pytorchs_reflection(width):
    images = draws(2, 3, 4, 5)
    assert torch.equal(Mirror(width)(images), F.pad(images, (width,) * 4, mode="reflect"))


def test_unpooling_is_pytorchs_with_maxima_in_the_top_left():
    images = draws(2, 3, 4, 5)
    rows, columns = torch.meshgrid(2 * torch.arange(4), 2 * torch.arange(5), indexing="ij")
    places = (10 * rows + columns).expand(2, 3, 4, 5)
    assert torch.equal(Unpooling()(images), F.max_unpool2d(images, places, 2))


def test_local_response_normalisation_is_pytorchs_with_alpha_per_channel():
    images = 30 * draws(2, 7, 4, 5)
    expected = F.local_response_norm(images, size=5, alpha=5e-4, beta=0.75, k=2)
    torch.testing.assert_close(LocalResponse()(images), expected)
    assert (LocalResponse()(images) < 0.99 * images / 2**0.75).any()


@pytest.mark.parametrize("downsampling", OPTIONS["downsampling"])
def test_without_padding_the_edge_is_lost(downsampling):
    blocks = Blocks(padding="none", downsampling=downsampling)
    for side in (28, 13, 12, 8):
        shape = blocks.halve(1, 2)(draws(1, 1, side, 28)).shape
        assert shape == (1, 2, blocks.halved(side), blocks.halved(28))


def test_overlapping_pooling_takes_the_maximum_of_three_pixels_around_every_second():
    blocks = Blocks(downsampling="overlapping")
    pooling = blocks.halve(1, 1)[-1]
    image = torch.arange(36.0).reshape(1, 1, 6, 6)
    rows = torch.tensor([1, 3, 5])
    assert torch.equal(pooling(image)[0, 0], image[0, 0][rows][:, rows])


def test_images_that_padding_makes_too_small_are_refused():
    for choices in (
        {"padding": "none", "downsampling": "max"},
        {"padding": "reflect", "block": "wide"},
    ):
        small_conv((1, 12, 12), **choices)
        with pytest.raises(UserError, match="padding: images of 8×12 pixels are too small"):
            small_conv((1, 8, 12), **choices)


# Augmentation


def test_a_shift_moves_an_image_by_up_to_two_pixels_and_all_shifts_occur():
    images = draws(500, 2, 6, 5)
    moved = shifted(images, noise())
    larger = F.pad(images, (2, 2, 2, 2))
    windows = {
        (down, right): larger[:, :, down : down + 6, right : right + 5]
        for down in range(5)
        for right in range(5)
    }
    same = torch.stack([(moved == window).flatten(1).all(1) for window in windows.values()])
    assert (same.sum(dim=0) == 1).all()
    assert same.any(dim=1).all()


def test_half_of_the_images_are_mirrored_left_to_right():
    images = draws(500, 2, 6, 5)
    made = reflected(images, noise())
    same = (made == images).flatten(1).all(1)
    assert torch.equal(made[~same], images[~same].flip(3))
    assert 200 < same.sum() < 300


def test_only_training_steps_see_augmented_images():
    model = small_conv(augmentation="both")
    batch = labelled(draws(40, 2, 8, 12))
    [player] = model.players()
    seen = both(batch.images, noise())
    in_training = player.losses(batch, noise())["reconstruction"]
    torch.testing.assert_close(in_training, model.losses(labelled(seen), noise())["reconstruction"])
    assert not torch.allclose(in_training, model.losses(batch, noise())["reconstruction"])


@pytest.mark.parametrize("padding", [one for one in OPTIONS["padding"] if one != "none"])
def test_padding_is_pytorchs(padding):
    layer = Blocks(padding=padding).convolve(2, 3)
    convolution = next(m for m in layer.modules() if isinstance(m, nn.Conv2d))
    images = draws(2, 2, 6, 5)
    mode = "constant" if padding == "zeros" else padding
    expected = F.conv2d(
        F.pad(images, (1, 1, 1, 1), mode=mode), convolution.weight, convolution.bias
    )
    torch.testing.assert_close(layer(images), expected)


@pytest.mark.parametrize("upsampling", OPTIONS["upsampling"])
@pytest.mark.parametrize("downsampling", OPTIONS["downsampling"])
def test_sides_are_halved_and_doubled(downsampling, upsampling):
    blocks = Blocks(downsampling=downsampling, upsampling=upsampling)
    assert blocks.halve(2, 5)(draws(1, 2, 8, 12)).shape == (1, 5, 4, 6)
    assert blocks.double(2, 5)(draws(1, 2, 4, 6)).shape == (1, 5, 8, 12)


def test_batch_normalisation_normalises_over_the_batch_and_layer_normalisation_over_the_image():
    images = 3 + draws(8, 2, 6, 6)
    over_batch = Blocks(normalisation="batch").convolve(2, 4).train()(images)
    torch.testing.assert_close(over_batch.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(over_batch.var((0, 2, 3)), torch.ones(4), atol=1e-2, rtol=0)
    over_image = Blocks(normalisation="layer").convolve(2, 4)(images)
    torch.testing.assert_close(over_image.mean((1, 2, 3)), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(over_image.var((1, 2, 3)), torch.ones(8), atol=2e-2, rtol=0)


@pytest.mark.parametrize(("layer", "outputs"), [("convolve", 0), ("double", 1)])
def test_weight_normalisation_parts_length_and_direction_of_each_outputs_weights(layer, outputs):
    network = getattr(Blocks(normalisation="weight"), layer)(3, 5)
    glorot_uniform(network, random_generator(0, "weights"))
    parts = network.parametrizations.weight
    length, direction = parts.original0, parts.original1
    assert length.numel() == 5
    rest = [axis for axis in range(4) if axis != outputs]
    norms = torch.linalg.vector_norm(network.weight, dim=rest, keepdim=True)
    torch.testing.assert_close(norms, length)
    torch.testing.assert_close(network.weight, direction)
    before = network.weight.detach().clone()
    with torch.no_grad():
        direction.mul_(7)
        torch.testing.assert_close(network.weight, before)
        length.mul_(2)
        torch.testing.assert_close(network.weight, 2 * before)


def test_weight_normalised_layers_start_from_the_weights_that_others_start_from():
    plain, normalised = small_conv(), small_conv(normalisation="weight")
    images = draws(2, 2, 8, 12)
    torch.testing.assert_close(plain.encode(images), normalised.encode(images))
    first = [m.weight for m in plain.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    second = [
        m.weight for m in normalised.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    for weight, same in zip(first, second, strict=True):
        torch.testing.assert_close(weight, same)


def test_images_that_cannot_be_halved_twice_are_refused():
    assert quarter((1, 28, 12)) == (7, 3)
    for shape in ((1, 30, 28), (1, 28, 10), (1, 4, 28)):
        with pytest.raises(UserError, match="multiples of 4, 8 or more"):
            quarter(shape)
        for name in ("conv_ae", "unet", "dae"):
            with pytest.raises(UserError):
                build(name, shape=shape)


def test_an_activation_is_new_for_each_layer():
    assert all(make() is not make() for make in ACTIVATIONS.values())
