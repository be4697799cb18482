"""The result of drawing a figure: a picture, and sentences on what is seen in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from latentgrid.figures.style import WIDTH

# The sentence of a figure, all or part of which is about classes.
NO_CLASSES = "The test images have no labels, or all the same, so that nothing is said of classes."


@dataclass(frozen=True)
class Drawing:
    """A drawn figure.

    Attributes:
        figure: the picture.
        seen: sentences on what is seen in it, computed from the drawn values.
        missing: why there is nothing to see; empty if there is something.
        frames: the pictures of its animation, all of one size; empty unless it is ANIMATED.
    """

    figure: Figure
    seen: list[str] = field(default_factory=list)
    missing: str = ""
    frames: list[Figure] = field(default_factory=list)


def nothing(reason: str) -> Drawing:
    """Return a drawing of the reason why there is nothing to see."""
    figure = Figure(figsize=(WIDTH, 0.6))
    figure.text(0.5, 0.5, reason, ha="center", va="center", style="italic")
    return Drawing(figure, missing=reason)


def listed(values: Iterable[tuple[str, float]]) -> str:
    """Return "ae 0.021, vae 0.018": each value with its name, to two significant digits."""
    return ", ".join(f"{name} {significant(value)}" for name, value in values)


def significant(value: float) -> str:
    """Return a number to two significant digits, the last one even if it is 0: 0.020."""
    _, exponent = f"{value:.1e}".split("e")
    return f"{value:.{max(1 - int(exponent), 0)}f}".replace("-", "−")
