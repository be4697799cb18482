"""What one visitor has chosen. Each has a session of their own, and so a `Visit`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial, wraps
from typing import Any, ParamSpec

from htmltools import Tag, TagChild, tags
from shiny import Inputs
from shiny.types import SilentException

from latentgrid.api.images import Array, as_count
from latentgrid.api.runs import Run
from latentgrid.app import drawings, shelf
from latentgrid.app.shelf import Shelved
from latentgrid.app.steady import steady, watched
from latentgrid.errors import UserError
from latentgrid.results.trained import TestSet

SIDES = ("a", "b")
PAD = "drawing_pad"  # the input that holds the drawing
LARGEST = 2**53 - 1  # up to here a browser knows each whole number
NONE = ""  # the choice of no second run
P = ParamSpec("P")


class Visit:
    """The data set and the one or two runs that a visitor looks at.

    Its methods are read within Shiny's reactive functions, which run again when the choice changes.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        none: tuple[Shelved, ...] = ()
        self._shelved = watched(self._look, none, shelf.SECONDS_BETWEEN_LOOKS)
        self._chosen = {side: steady(partial(self._find, side), None) for side in SIDES}
        self._ended = steady(self._find_ended, none)

    def dataset(self) -> str:
        """Return the name of the data set; empty if there is none."""
        chosen: str = self._inputs.dataset() if "dataset" in self._inputs else ""
        return chosen if chosen in shelf.data_sets() else ""

    def shelved(self) -> tuple[Shelved, ...]:
        """Return the planned runs of the data set."""
        return self._shelved()

    def entries(self, *abilities: str) -> list[str]:
        """Return the entries with a run that can do this and can be loaded."""
        able = (one for one in self._ended() if self.can(one, *abilities))
        return list(dict.fromkeys(one.entry for one in able))

    def can(self, one: Shelved, *abilities: str) -> bool:
        """Whether a run can do all of this."""
        return set(abilities) <= shelf.can(one.model)

    def chosen(self, side: str) -> Shelved | None:
        """Return the run of a side; None if none is chosen or it is gone."""
        return self._chosen[side]()

    def run(self, side: str) -> Run | None:
        """Return the loaded run of a side, or None if none is chosen.

        Raises:
            UserError: it cannot be loaded.
        """
        path = self._path(side)
        if not path:
            return None
        chosen = self.chosen(side)
        if chosen is None:
            raise UserError("this run is no longer among the results; choose another")
        if not chosen.has_ended:
            raise UserError(
                f"this run has no result yet: {chosen.state}. This page looks again by itself"
            )
        return shelf.open_run(path)

    def run_or_stop(self, side: str) -> Run:
        """Return the loaded run of a side, or let the function that reads it do nothing."""
        with or_stop():
            run = self.run(side)
        if run is None:
            raise SilentException
        return run

    def latent_dim(self) -> tuple[str, Any]:
        """Return the name and value of the latent dimension of the first side's run."""
        chosen = self.chosen("a")
        return "latent_dim", chosen.hyperparameters.get("latent_dim") if chosen else None

    def one_of_each(self, entries: Sequence[str], hyperparameter: str, value: Any) -> list[Shelved]:
        """Return a run of each entry that has one with a result.

        It is the first one that has this hyperparameter, or else the first one.
        """
        found: dict[str, Shelved] = {}
        ended = self._ended()
        fits = [one for one in ended if one.hyperparameters.get(hyperparameter) == value]
        for one in (*fits, *ended):
            found.setdefault(one.entry, one)
        return [found[entry] for entry in entries if entry in found]

    def test_set(self) -> TestSet:
        """Return the test images of the data set, or stop where `require_test_set` refuses."""
        with or_stop():
            return self.require_test_set()

    def require_test_set(self) -> TestSet:
        """Return the test images of the data set, of which its runs say what they should be.

        Raises:
            UserError: they are not there, or no run has a result.
        """
        if not self._ended():
            raise UserError("no run has a result yet. This page looks again by itself")
        for one in (*map(self.chosen, SIDES), self._ended()[0]):
            if one is not None and one.has_ended:
                with suppress(UserError):
                    run = shelf.open_run(one.path)
                    break
        else:
            raise SilentException  # where such a run should be seen stands why it cannot be opened
        return run.test_set

    def test_image(self, number: object) -> Array:
        """Return a test image (1, c, h, w), uint8, by its number, counted from 0.

        Raises:
            UserError: there is none of this number.
        """
        images = self.test_set().images
        there = as_count("test image", number, 0, len(images) - 1)
        return images[there : there + 1]

    def seed(self, name: str) -> int:
        """Return the seed in a field.

        Raises:
            UserError: there is none in it.
        """
        return as_count("seed", self._inputs[name](), 0, LARGEST)

    def has_drawn(self) -> bool:
        """Whether the visitor has drawn something."""
        return PAD in self._inputs and bool(self._inputs[PAD]())

    def drawing(self) -> Array:
        """Return the visitor's drawing as an image of the data set (1, c, h, w), uint8.

        Raises:
            UserError: there is none.
        """
        images = self.test_set().images
        if not self.has_drawn():
            raise UserError('nothing is drawn yet; the tab "Draw your own" has the pad')
        return drawings.as_image(self._inputs[PAD](), images)

    def _find(self, side: str) -> Shelved | None:
        path = self._path(side)
        return next((one for one in self.shelved() if one.path == path), None)

    def _find_ended(self) -> tuple[Shelved, ...]:
        return tuple(one for one in self.shelved() if one.has_ended)

    def _look(self) -> tuple[Shelved, ...]:
        dataset = self.dataset()
        return shelf.shelved(dataset) if dataset else ()

    def _path(self, side: str) -> str:
        chosen: str = self._inputs[f"run_{side}"]()
        return chosen or NONE


def or_why_not(show: Callable[P, TagChild]) -> Callable[P, TagChild]:
    """Let a function of a page return a sentence where the user's choice cannot be shown."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> TagChild:
        try:
            return show(*args, **kwargs)
        except UserError as error:
            return trouble(str(error))

    return shown


@contextmanager
def or_stop() -> Iterator[None]:
    """Let a function of a page do nothing where another place says why nothing can be done."""
    try:
        yield
    except UserError:
        raise SilentException from None


def trouble(sentence: str) -> Tag:
    """Return a sentence that says why there is nothing to see."""
    return tags.p(sentence[:1].upper() + sentence[1:] + ".", class_="trouble", role="status")
