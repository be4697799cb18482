"""Draws rows of images, one row per model: the layout of most comparisons of images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from latentgrid.figures.style import GAP, PAGE, SMALLEST, WIDTH, folded, show_images
from latentgrid.results.trained import Array

FONT = SMALLEST
# In inches: the height of a line of text; the space beside text, half of which is between rows; the
# space between strips; and the side of an image.
LINE = 0.13
SPACE = 0.06
BETWEEN = 0.12
MAX_SIDE = 0.8


@dataclass(frozen=True)
class Row:
    """A row of images with a label to its left.

    Attributes:
        strips: groups of uint8 images (n, c, h, w) with space between the groups. All rows of a
            figure have the same number of strips, images per strip, and image size.
        note: the text to the right.
    """

    label: str
    strips: Sequence[Array]
    note: str = ""


def draw_rows(
    rows: Sequence[Row],
    titles: Sequence[str] = (),
    headings: Sequence[str] = (),
    notes: str = "",
) -> Figure:
    """Draw rows of images.

    Args:
        rows: from top to bottom.
        titles: texts above the strips.
        headings: texts above the images of each strip.
        notes: the text above the rows' notes.
    """
    labels = [folded(row.label) for row in rows]
    counts = [len(strip) for strip in rows[0].strips]
    left = _width(line for label in labels for line in label.splitlines())
    right = _width([notes, *(row.note for row in rows)])
    free = WIDTH - left - right - BETWEEN * (len(counts) - 1)
    shape = rows[0].strips[0].shape
    highest = (PAGE - BETWEEN) / len(rows) - SPACE / 2
    width = min(free / sum(counts), MAX_SIDE, highest * shape[3] / shape[2])
    height = width * shape[2] / shape[3]
    step = SPACE / 2 + max(height, LINE * max(len(label.splitlines()) for label in labels))
    upright = _width(headings) if _width(headings) - SPACE > width else 0.0
    above = 1.5 * LINE * (bool(titles) + bool(headings) or bool(notes)) + upright
    figure = Figure(figsize=(WIDTH, above + step * len(rows)))
    figure.set_layout_engine("none")
    whole = (WIDTH, figure.get_figheight())
    for number, (row, label) in enumerate(zip(rows, labels, strict=True)):
        bottom = whole[1] - above - step * (number + 0.5) - height / 2
        start = left
        panels = []
        for count, strip in zip(counts, row.strips, strict=True):
            box = (start / whole[0], bottom / whole[1], count * width / whole[0], height / whole[1])
            panels.append(figure.add_axes(box))
            show_images(panels[-1], strip, count)
            start += count * width + BETWEEN
        panels[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=FONT)
        panels[-1].annotate(
            row.note, (1, 0.5), (4, 0), "axes fraction", "offset points", va="center", size=FONT
        )
        if number == 0:
            _head(panels, titles, headings, notes, upright)
    return figure


def _head(
    panels: Sequence[Axes],
    titles: Sequence[str],
    headings: Sequence[str],
    notes: str,
    upright: float,
) -> None:
    """Write the texts above the first row; headings stand upright if they need this many inches."""
    for panel, title in zip(panels, titles, strict=bool(titles)):
        panel.set_title(title, fontsize=FONT + 1, pad=(14 if headings else 4) + 72 * upright)
    if headings:
        columns = len(headings)
        side = (panels[0].get_images()[0].get_array().shape[1]) / columns  # type: ignore[union-attr]
        places = [side * (column + 0.5) + GAP / 2 - 0.5 for column in range(columns)]
        for panel in panels:
            panel.set_xticks(places, headings, fontsize=FONT)
            turned = 90 if upright else 0
            panel.tick_params(length=0, pad=1, labeltop=True, labelbottom=False, rotation=turned)
    panels[-1].annotate(
        notes, (1, 1), (4, 3), "axes fraction", "offset points", va="bottom", size=FONT
    )


def _width(lines: Iterable[str]) -> float:
    """Return the width of the widest line in inches, with the space beside it."""
    points = [TextPath((0, 0), line, size=FONT).get_extents().width for line in lines if line]
    return max(points, default=0.0) / 72 + 2 * SPACE
