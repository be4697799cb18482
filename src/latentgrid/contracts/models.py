"""The contract of a model (`latentgrid.models`)."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, get_args

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load, save

from latentgrid import models
from latentgrid.contracts import require
from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.hyperparameters import NameOf
from latentgrid.models import ImageShape, Model
from latentgrid.randomness import random_generator, seed_of
from latentgrid.report.model_text import read_model_text
from latentgrid.training.promises import (
    are_images,
    are_probabilities,
    are_seen,
    keep_promises,
    same,
)

MNIST = (1, 28, 28)
SHAPES: tuple[ImageShape, ...] = (MNIST, (3, 32, 32), (2, 8, 12))
CLASSES = 10
FEW = 6


def build_untrained(
    name: str, shape: ImageShape = MNIST, seed: int = 0, classes: int = CLASSES, **given: Any
) -> Model:
    """Build a model with its initial weights, as a training does.

    Args:
        name: of the model.
        shape: channels, height and width of an image.
        seed: of the weights.
        classes: of the data.
        given: hyperparameters; others without a default get a small value.
    """
    needed = {
        argument: example(kind)
        for argument, (kind, default) in catalogue.model_hyperparameters(name).items()
        if default is ...
    }
    settings = {"model": name, "hyperparameters": needed | given}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "construction"))
        model = models.build(settings, shape, classes)
    model.initialise(random_generator(seed, "weights"))
    return model


def example(kind: Any) -> Any:
    """Return a small value of a hyperparameter's type."""
    names = chain(*(part.names() for part in get_args(kind) if isinstance(part, NameOf)))
    choices = (choice for choice in get_args(kind) if isinstance(choice, str))
    for value in (3, 0.5, True, *names, *choices):
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
    raise UserError(f"{kind}: no value is known of this type")


def builds(name: str) -> Iterator[tuple[ImageShape, Model]]:
    """Yield the model for images of each shape that it accepts, with the shape.

    Raises:
        UserError: it accepts none of them.
    """
    refused = []
    for shape in SHAPES:
        try:
            yield shape, build_untrained(name, shape)
        except UserError as error:
            refused.append(error)
    if len(refused) == len(SHAPES):
        raise refused[0]


def labelled(images: torch.Tensor) -> Batch:
    """Return images as a batch; their labels count through the classes."""
    return Batch(images, torch.arange(len(images)) % CLASSES)


def random_images(n: int, shape: ImageShape = MNIST) -> torch.Tensor:
    """Return n images of noise, (n, c, h, w) in [0, 1)."""
    return torch.rand(n, *shape, generator=random_generator(n, "images"))


def noise(seed: int = 7) -> torch.Generator:
    """Return a random generator for a model."""
    return random_generator(seed, "noise")


def says_what_its_losses_mean(name: str) -> None:
    """The class says in words what it is, what its `terms` are, and what its loss is."""
    model = models.load(name)
    require(bool(catalogue.description(name)), "the class needs a docstring")
    require(bool(getattr(model, "terms", None)), "`terms` must name the terms of the loss")
    require(all(model.terms.values()), "`terms` must say of each term what it is")
    require(
        bool(getattr(model, "loss_description", "")), "`loss_description` must say what `loss` is"
    )
    require(
        bool(model.batch_loss_description),
        "`batch_loss_description` must say what `batch_loss` sums over",
    )


def its_formula_can_be_set(name: str) -> None:
    """The formulas in its docstrings, if there are any, are LaTeX that its page can show."""
    read_model_text(name)


def losses_are_finite_values_per_image(name: str) -> None:
    """`losses` gives each term of `terms` a finite value per image, and does not change images."""
    for shape, model in builds(name):
        model.eval()
        for n in (1, FEW):
            images = random_images(n, shape)
            before = images.clone()
            losses = model.losses(labelled(images), noise())
            found = ", ".join(losses)
            require(
                losses.keys() == model.terms.keys(),
                f"losses() gives {found}, and `terms` says {', '.join(model.terms)}",
            )
            for term, values in losses.items():
                require(
                    values.shape == (n,),
                    f"losses() gives {term} of {n} images the shape {tuple(values.shape)}, "
                    f"not ({n},)",
                )
                require(bool(values.isfinite().all()), f"losses() gives {term} that is not finite")
            shape_of_loss = tuple(model.batch_loss(losses).shape)
            require(shape_of_loss == (), f"batch_loss() must be a scalar, not {shape_of_loss}")
            require(torch.equal(images, before), "losses() changes the images it is given")


def every_parameter_has_a_player_and_a_gradient(name: str) -> None:
    """Each parameter belongs to a player, whose objective has a gradient for it."""
    for shape, model in builds(name):
        names = {parameter: name for name, parameter in model.named_parameters()}
        moved = set()
        for player in model.players():
            losses = player.losses(labelled(random_images(FEW, shape)), noise())
            require(losses.keys() <= model.terms.keys(), "a player has terms that `terms` lacks")
            slopes = torch.autograd.grad(
                player.objective(losses), player.parameters, materialize_grads=True
            )
            for parameter, slope in zip(player.parameters, slopes, strict=True):
                what = f"the gradient of {names[parameter]}"
                require(bool(slope.isfinite().all()), f"{what} is not finite")
                require(bool(slope.any()), f"{what} is 0 everywhere: no step moves it")
            moved |= set(player.parameters)
        for parameter in set(names) - moved:
            require(False, f"no player moves {names[parameter]}")


def batch_loss_sums_or_averages_the_loss(name: str) -> None:
    """`batch_loss` less `batch_surplus` is the sum or the mean of `loss` over the images."""
    # In training, batch normalisation refuses a batch of one.
    model = build_untrained(name).eval()
    for n in (1, 2, 5):
        losses = model.losses(labelled(random_images(n)), noise())
        total = model.loss(losses).sum().double()
        found = model.batch_loss(losses).double() - model.batch_surplus(n)
        require(
            any(torch.isclose(found, t, rtol=1e-5, atol=1e-6) for t in (total, total / n)),
            f"batch_loss() of {n} images less batch_surplus() is {found:.6g}; `loss` sums to "
            f"{total:.6g} and has the mean {total / n:.6g}",
        )


def loss_is_affine_in_its_terms(name: str) -> None:
    """`loss` of the means of the terms is the mean of `loss`, as tables assume."""
    model = build_untrained(name)
    losses = model.losses(labelled(random_images(5)), noise())
    means = {term: values.mean() for term, values in losses.items()}
    require(
        same(model.loss(means), model.loss(losses).mean()),
        "loss() of the terms' means is another number than the mean of loss()",
    )


def draws_come_from_the_generator(name: str) -> None:
    """Random draws come from the given generator alone; PyTorch's global one is not used."""
    model, images = build_untrained(name), random_images(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        state = torch.get_rng_state()
        first = model.losses(labelled(images), noise())
        moved = not torch.equal(torch.get_rng_state(), state)
        torch.manual_seed(2)
        again = model.losses(labelled(images), noise())
    require(not moved, "losses() draws from PyTorch's global generator and not from its own")
    require(
        all(torch.equal(first[term], again[term]) for term in first),
        "losses() gives other values for the same images and generator",
    )


def the_seed_alone_sets_the_weights(name: str) -> None:
    """`initialise` draws the weights from its generator: the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = build_untrained(name).state_dict()
        torch.manual_seed(2)
        again, other = (
            build_untrained(name).state_dict(),
            build_untrained(name, seed=1).state_dict(),
        )
    for key in first:
        require(torch.equal(first[key], again[key]), f"{key} differs though the seed is the same")
    if not models.load(name).closed_form:
        require(
            any(not torch.equal(first[key], other[key]) for key in first),
            "another seed makes the same weights",
        )


@torch.no_grad()
def abilities_are_known_without_importing(name: str) -> None:
    """The methods found by reading its file and its base classes' files are those that it has."""
    model = build_untrained(name).eval()
    told = catalogue.abilities(name)
    are_seen(name, model)
    has_density = isinstance(model, models.LatentVariableModel)
    require((told >= catalogue.DENSITIES) == has_density, "its density is not seen in the file")
    again = models.reconstruct(model, random_images(2))
    require(("reconstruct" in told) == (again is not None), "reconstruct() is not seen in the file")


@torch.no_grad()
def abilities_give_what_they_promise(name: str) -> None:
    """Each ability returns the shapes and ranges of its contract, and repeatable draws."""
    for shape, model in builds(name):
        model.eval()
        images = random_images(FEW, shape)
        keep_promises(model, labelled(images), CLASSES)
        if isinstance(model, models.Encoder):
            _encodes(model, images)
        if isinstance(model, models.Decoder):
            codes = 100 * torch.randn(5, model.latent_dim, generator=noise())
            are_images("decode()", model.decode(codes), (5, *shape))
        if isinstance(model, models.Sampler):
            _samples(model)
        if isinstance(model, models.LatentVariableModel):
            _proposes(model, images)
        if isinstance(model, models.Corrupter):
            _corrupts(model, images)
        if isinstance(model, models.Segmenter):
            _segments(model, labelled(images))


def _encodes(model: models.Encoder, images: torch.Tensor) -> None:
    codes = model.encode(images)
    require(torch.equal(codes, model.encode(images)), "encode() gives other codes at each call")
    require(same(codes[2:3], model.encode(images[2:3])), "a code depends on the other images")


def _samples(model: models.Sampler) -> None:
    samples = model.sample(4, noise())
    require(torch.equal(samples, model.sample(4, noise())), "sample() depends on more than draws")
    require(not torch.equal(samples, model.sample(4, noise(8))), "sample() draws nothing")


def _proposes(model: models.LatentVariableModel, images: torch.Tensor) -> None:
    codes = model.propose(images, 4, noise())[0]
    require(torch.equal(codes, model.propose(images, 4, noise())[0]), "propose() does not repeat")


def _corrupts(model: models.Corrupter, images: torch.Tensor) -> None:
    before = images.clone()
    damaged = model.corrupt(images, noise())
    require(not torch.equal(damaged, images), "corrupt() changes nothing")
    require(torch.equal(images, before), "corrupt() changes the images it is given")
    require(torch.equal(damaged, model.corrupt(images, noise())), "corrupt() does not repeat")


def _segments(model: models.Segmenter, batch: Batch) -> None:
    scenes = model.compose(batch, noise())
    n, _, height, width = scenes.images.shape
    are_images("compose()", scenes.images, (len(batch), batch.images.shape[1], height, width))
    again = model.compose(batch, noise())
    require(torch.equal(scenes.images, again.images), "compose() does not repeat")
    found = model.segment(scenes.images)
    expected = (n, 1 + CLASSES, height, width)
    require(found.shape == expected, f"segment() gives {tuple(found.shape)}, not {expected}")
    are_probabilities("segment()", found.exp(), n)
    for values in (model.weights(scenes), model.between_objects(scenes)):
        require(values.shape == scenes.classes.shape, "weights must be (n, h, w), as the classes")
        require(bool((values >= 0).all()), "weights must not be negative")


def weights_survive_a_file(name: str) -> None:
    """Everything that a reload needs is a parameter or a buffer."""
    model, other = build_untrained(name), build_untrained(name, seed=1)
    other.load_state_dict(load(save(model.state_dict())))
    images = labelled(random_images(4))
    first, second = model.losses(images, noise()), other.losses(images, noise())
    require(
        all(torch.equal(first[term], second[term]) for term in first),
        "a model that gets the weights of another gives other losses",
    )


CHECKS = (
    says_what_its_losses_mean,
    its_formula_can_be_set,
    losses_are_finite_values_per_image,
    every_parameter_has_a_player_and_a_gradient,
    batch_loss_sums_or_averages_the_loss,
    loss_is_affine_in_its_terms,
    draws_come_from_the_generator,
    the_seed_alone_sets_the_weights,
    abilities_are_known_without_importing,
    abilities_give_what_they_promise,
    weights_survive_a_file,
)
