"""The trial step: every network of the grid takes a step and a snapshot, before any is trained.

So an encoder and a decoder that do not meet, or a network that does not fit the images, is named
after seconds and not after the runs before it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
import typer

from latentgrid import models
from latentgrid.data import Images, as_batch, sources
from latentgrid.errors import UserError
from latentgrid.files import write_text
from latentgrid.grid import canonical, read_plan, trial_of
from latentgrid.models import ImageShape, Model
from latentgrid.paths import Layout
from latentgrid.randomness import generator
from latentgrid.step import run_step
from latentgrid.training.snapshots import snapshot
from latentgrid.training.steps import moving, take_turns, turns_of

FEW = 10  # images, one of each class; batch normalisation needs more than one


def main(
    dataset: Annotated[str, typer.Option()],
    key: Annotated[str, typer.Option(help="what to write down as tried, once all networks fit")],
) -> None:
    """Try every distinct network of the plan."""
    layout = Layout(dataset)
    size = sources.size(dataset)
    torch.set_num_threads(1)
    tried: set[str] = set()
    for planned in read_plan(layout.plan):
        name, settings = planned["name"], planned["settings"]
        trial = canonical(trial_of(settings))
        if trial not in tried:
            model = built(name, settings, size.shape)
            admit(name, model, settings["epochs"], size.train)
            attempt(name, model, settings, size.shape)
            tried.add(trial)
    write_text(layout.tried, key)
    print(f"{len(tried)} networks fit images of {_shown(size.shape)}", flush=True)


def built(name: str, settings: Mapping[str, Any], shape: ImageShape) -> Model:
    """Return the run's model before training.

    Raises:
        UserError: it cannot be made for images of this shape (channels, height, width).
    """
    try:
        return models.build(settings, shape)
    except Exception as error:  # whatever a model of the user's raises is said in one line
        raise _misfit(name, shape, error) from error


def admit(name: str, model: Model, epochs: int, images: int) -> None:
    """Let the model say whether it can be trained for so many epochs on so many images.

    Raises:
        UserError: it cannot.
    """
    try:
        model.require(epochs, images)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def attempt(name: str, model: Model, settings: Mapping[str, Any], shape: ImageShape) -> None:
    """Let each player take a step, and the model show what it can, on a few random images.

    Raises:
        UserError: a part of the network does not fit the images or another part, or the model does
            not keep the contract.
    """
    noise = generator(0, "trial")
    images = torch.randint(0, 256, (FEW, *shape), generator=noise, dtype=torch.uint8)
    labels = torch.arange(FEW, dtype=torch.uint8)
    try:
        _keeps_the_contract(model, model.losses(as_batch(images, labels), noise))
        turns = turns_of(model, settings)
        for step in range(max((turn.player.every for turn in turns), default=0)):
            take_turns(moving(turns, step + 1), as_batch(images, labels), noise)
        snapshot(model, Images(images, labels, images, labels), 0, FEW, manifold=2)
    except Exception as error:  # as above
        raise _misfit(name, shape, error) from error


def _keeps_the_contract(model: Model, losses: object) -> None:
    if not isinstance(losses, dict) or set(losses) != set(model.terms):
        found = ", ".join(losses) if isinstance(losses, dict) else type(losses).__name__
        raise UserError(f"losses() must give the terms {', '.join(model.terms)}, not {found}")
    for term, values in losses.items():
        if values.shape != (FEW,):
            raise UserError(f"losses() must give {term} a value per image, (n,)")
    if not (model.total and (type(model).__doc__ or "").strip()):
        raise UserError("the class needs a docstring and `total`, which say what it is in words")


def _misfit(name: str, shape: ImageShape, error: Exception) -> UserError:
    reason = str(error).partition("\n")[0]
    if not isinstance(error, UserError):
        reason = f"{type(error).__name__} {reason}".strip()
    return UserError(f"{name}: fails when tried on images of {_shown(shape)}: {reason}")


def _shown(shape: ImageShape) -> str:
    return "×".join(map(str, shape))


if __name__ == "__main__":
    run_step(main)
