"""What each file of `comparisons` returns: a figure and what it shows."""

from dataclasses import dataclass, field

from matplotlib.figure import Figure

from latentgrid.figures.style import WIDTH


@dataclass(frozen=True)
class Drawing:
    """A figure, with what is seen in it.

    Attributes:
        figure: the picture.
        seen: sentences computed from what was drawn.
        missing: why there is nothing to see, if there is nothing.
        frames: the pictures of its animation, all of one size, if it is ANIMATED.
    """

    figure: Figure
    seen: list[str] = field(default_factory=list)
    missing: str = ""
    frames: list[Figure] = field(default_factory=list)


def nothing(reason: str) -> Drawing:
    """Return a drawing that only says why it is empty."""
    figure = Figure(figsize=(WIDTH, 0.6))
    figure.text(0.5, 0.5, reason, ha="center", va="center", style="italic")
    return Drawing(figure, missing=reason)
