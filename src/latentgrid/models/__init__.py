"""The contract of a model, and the abilities that a model may have.

A model is a subclass of `Model` in a file of its own, which has the name used in `params.yaml`. Its
methods are its abilities. Training, measures and figures ask for an ability
(`isinstance(model, Encoder)`) and never for a class.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.data.scenes import Scenes
from latentgrid.errors import UserError
from latentgrid.grid import components, plugins
from latentgrid.nets.initialise import glorot_uniform

ImageShape = tuple[int, int, int]
Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Player:
    """Some of a model's parameters, with an objective that their steps minimise.

    Attributes:
        groups: the parameters that its steps change, in one group; models with `in_turn` have a
            group for each network, and `adam_000` advances its count of steps for each group.
        losses: returns the loss terms per image that the objective needs.
        objective: computes from these terms the scalar that a step minimises.
        project: called after each of its steps, to set parameters back to where they must lie.
        every: the number of batches from one of its steps to the next.
        paced_by: the hyperparameter that sets `every`, for the message when it is too large.
        rate: the setting that is its learning rate, `learning_rate` or one of `Model.own_rates`.
    """

    groups: list[list[nn.Parameter]]
    losses: Callable[[Batch, torch.Generator], Losses]
    objective: Callable[[Losses], Tensor]
    every: int = 1
    paced_by: str = "every"
    rate: str = "learning_rate"
    project: Callable[[], None] = lambda: None

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters of all groups."""
        return [parameter for group in self.groups for parameter in group]


class Model(nn.Module):
    """The base class of all models.

    Attributes:
        terms: the name of each loss term and its unit, per image.
        loss_description: what `loss` is, in words.
        batch_loss_description: what `batch_loss` sums over, in words.
        closed_form: whether `before_epoch` computes the weights, so that no training step is taken.
        loss_ranks: whether a smaller loss means a better run; False where players compete.
        loss_depends_on: hyperparameters that change the definition of the loss, such as a weight
            in it. Only runs with the same values of them are ranked by the loss.
        ranked_by: the measure, a column of `runs.csv`, that ranks runs where the loss does not; ""
            for none.
        in_turn: names of the networks to which the model's source applied one optimizer, one after
            another. Such a model may be trained with `adam_000`, which does the same.
        annealed: the terms, KL divergences, whose gradient may grow over the first epochs; with
            any, the model may be trained with `kl_warm_up`.
        own_rates: further settings that are learning rates, of some players (`Player.rate`); a run
            that does not set one trains these players with its `learning_rate`.
        pretraining: how many epochs at the beginning minimise something else than the loss;
            `patience` does not count them.
    """

    terms: ClassVar[dict[str, str]]
    loss_description: ClassVar[str]
    batch_loss_description: ClassVar[str] = "mean over the images of a batch"
    closed_form: ClassVar[bool] = False
    loss_ranks: ClassVar[bool] = True
    loss_depends_on: ClassVar[tuple[str, ...]] = ()
    ranked_by: ClassVar[str] = ""
    in_turn: ClassVar[tuple[str, ...]] = ()
    annealed: ClassVar[tuple[str, ...]] = ()
    own_rates: ClassVar[tuple[str, ...]] = ()
    pretraining: int = 0

    def initialise(self, rng: torch.Generator) -> None:
        """Set the weights before training."""
        glorot_uniform(self, rng)

    def require(self, epochs: int, images: int) -> None:
        """Refuse a number of epochs or training images with which training makes no sense.

        Raises:
            UserError: the number is refused; the text says why.
        """

    def players(self) -> list[Player]:
        """Return the players in the order in which they take their steps on a batch.

        The first one takes a step on every batch; the sum of its objectives over an epoch is the
        epoch's `batch_sum`.
        """
        if self.closed_form:
            return []
        networks = [getattr(self, name) for name in self.in_turn] or [self]
        groups = [list(network.parameters()) for network in networks]
        return [Player(groups, self.losses, self.batch_loss)]

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Prepare the model for an epoch with all training images (uint8); by default do nothing.

        Epochs count from 1. Store results in parameters or buffers, which are saved with the run.
        """

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return each term's value per image, shape (n,)."""
        raise NotImplementedError

    def loss(self, losses: Losses) -> Tensor:
        """Return the number by which runs of this model are compared, affine in the terms."""
        return torch.stack(list(losses.values())).sum(dim=0)

    def batch_loss(self, losses: Losses) -> Tensor:
        """Return the scalar that one training step minimises, as the source sums or averages it."""
        return self.loss(losses).mean()

    def batch_surplus(self, n: int) -> float:
        """Return the constant by which `batch_loss` of n images exceeds what it should be."""
        return 0.0


@runtime_checkable
class Encoder(Protocol):
    """Maps images to codes."""

    latent_dim: int

    def encode(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to codes (n, d); the posterior mean if there is one."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """Maps codes to images."""

    latent_dim: int

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Draws new images."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw images (n, c, h, w) in [0, 1]; `rng` is on the CPU."""
        ...


@runtime_checkable
class Quantile(Protocol):
    """Maps the unit cube to codes so that equal volumes hold equal masses of its prior.

    Where the prior's dimensions are independent, these are the quantiles of each.
    """

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) in (0, 1) of the prior's mass to codes (n, d)."""
        ...


@runtime_checkable
class WithPrior(Protocol):
    """Has a density of codes before any image is seen."""

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        ...


@runtime_checkable
class LatentVariableModel(Protocol):
    """Has densities of codes: q(z│x) to propose them by, and the prior p(z)."""

    def propose(self, images: Tensor, draws: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw codes (draws, n, d) of q(z│x) for images (n, c, h, w) in [0, 1].

        Returns them with log q(z│x) in nats, (draws, n); `rng` is on the CPU.
        """
        ...

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        ...


@runtime_checkable
class Reconstructor(Protocol):
    """Reconstructs images without encoding them to a code."""

    def reconstruct(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to images of the same shape and range."""
        ...


@runtime_checkable
class Corrupter(Protocol):
    """Is shown damaged images and learns to return the undamaged ones."""

    def corrupt(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to damaged ones of the same shape and range."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """Says which class an image belongs to, after training with labels."""

    def classify(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to log-probabilities (n, classes)."""
        ...


@runtime_checkable
class Clusterer(Protocol):
    """Says which cluster an image belongs to, after training without labels."""

    def cluster(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to probabilities (n, clusters)."""
        ...


@runtime_checkable
class Segmenter(Protocol):
    """Says which class each pixel of a scene belongs to, after training with scenes and labels."""

    def compose(self, batch: Batch, rng: torch.Generator) -> Scenes:
        """Make a scene for each image of a batch; `rng` is on its device."""
        ...

    def segment(self, images: Tensor) -> Tensor:
        """Map scenes (n, c, h, w) in [0, 1] to log-probabilities (n, 1 + classes, h, w).

        The first is that of the background.
        """
        ...

    def between_objects(self, scenes: Scenes) -> Tensor:
        """Return how near each background pixel lies to two objects, in [0, 1], (n, h, w)."""
        ...

    def weights(self, scenes: Scenes) -> Tensor:
        """Return how much each pixel weighs in the loss, (n, h, w)."""
        ...


def reconstruct(model: Model, images: Tensor) -> Tensor | None:
    """Return the model's reconstructions of images, or None if it does not reconstruct."""
    if isinstance(model, Reconstructor):
        return model.reconstruct(images)
    if isinstance(model, Encoder) and isinstance(model, Decoder):
        return model.decode(model.encode(images))
    return None


def load(name: str) -> type[Model]:
    """Return the class of the model called `name`: the one whose constructor takes `image_shape`.

    It is the first class of the file with such an `__init__` of its own, as it is for `catalogue`,
    which reads the hyperparameters of its constructor.

    Raises:
        UserError: there is no file of this name, or its class is no `Model`.
    """
    module = importlib.import_module(components.module_of("models", name))
    of_file = (v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__)
    found = next(filter(_takes_shape, of_file), None)
    if found is None or not issubclass(found, Model):
        named = f", and {found.__name__} is none" if found else ""
        file = plugins.shown(components.file_of("models", name))
        raise UserError(f"{file}: needs a class that is a latentgrid.models.Model{named}")
    return found


def _takes_shape(value: object) -> TypeGuard[type]:
    """Tell whether a value is a class whose own constructor begins with `image_shape`."""
    if not isinstance(value, type) or "__init__" not in vars(value):
        return False
    return [*signature(vars(value)["__init__"]).parameters][:2] == ["self", "image_shape"]


def build(settings: Mapping[str, Any], image_shape: ImageShape, classes: int) -> Model:
    """Build the untrained model of a run's settings for images (channels, height, width).

    A constructor with an argument `classes` gets the number of classes of the data.
    """
    model = load(settings["model"])
    known = {"classes": classes} if "classes" in signature(model).parameters else {}
    return model(image_shape, **known, **settings["hyperparameters"])


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable scalars."""
    return sum(parameter.numel() for parameter in model.parameters())
