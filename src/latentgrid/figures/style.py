"""The style of all figures: sizes, fonts, colours, and sheets of images."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    StrMethodFormatter,
)
from PIL import Image

from latentgrid.figures.palette import PALETTE
from latentgrid.files.atomic import replacing
from latentgrid.results.trained import Array

# The width of text on A4 between margins of an inch, where letters have the size that is given here
WIDTH = 6.3
DPI = 200
FRAME_DPI = 100
FRAME_QUALITY = 80
FRAME_MILLISECONDS = 800
COLUMNS = 3
TITLE_WIDTH = 27  # characters
LABEL_WIDTH = 24  # characters of a label beside a row
# Ratios of the ends of a logarithmic axis: below the first its ticks are linear; from the second on
# only powers of ten are labelled.
FEW_TICKS = 1.6
MANY_TICKS = 30
DECIMALS = 9  # to which positions are rounded: far below a pixel, far above the error of a float
# In inches: a letter, a line of text, the key of a legend, what is beside a panel
LETTER, LINE, KEY, MARGIN = 0.075, 0.13, 0.3, 0.8
ROUNDS, PARTED, FARTHEST = 60, 0.004, 0.15  # the latter two as shares of a panel
PAGE = 8.5  # inches: figures whose panels would be higher than a page have smaller ones
MAX_COLUMNS = 5
NAME_WIDTH = 16  # letters of a class's name
MAX_LETTERS = 120  # of the names that fit into a panel
# Corners at most so dark are the black ground of white strokes, which is drawn white.
BLACK = 16
ON_WHITE, AS_IT_IS = "gray_r", "gray"
GAP = 2  # pixels between images of a sheet
GREY = "0.55"  # of what is drawn for comparison
SMALLEST = 7  # pt: no letter of a figure is smaller
MARKERS = "o^sDvP*X"  # tell apart classes that share a colour
mpl.use("agg")
mpl.rcParams.update(
    {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 7.5,
        "legend.fontsize": SMALLEST,
        "legend.title_fontsize": SMALLEST,
        "xtick.labelsize": SMALLEST,
        "ytick.labelsize": SMALLEST,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "figure.constrained_layout.use": True,
        "savefig.dpi": DPI,
        "svg.hashsalt": "latentgrid",
        "image.cmap": ON_WHITE,
    }
)


class SteadyLayoutEngine(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout with rounded positions.

    Its solver adds numbers in the order of memory addresses, so that the last digits of positions,
    and with them the bytes of a PDF, differ from call to call.
    """

    def execute(self, fig: Figure) -> Any:
        """Lay the figure out."""
        super().execute(fig)
        grids = super().execute(fig)  # square panels move once more after the first time
        _round_subfigures(fig)
        for axes in fig.axes:  # those of subfigures too
            if axes.get_in_layout():
                axes.set_position(np.round(axes.get_position(original=True).bounds, DECIMALS))
                axes.set_in_layout(True)  # as `set_position` switches it off
        return grids


def _round_subfigures(figure: FigureBase) -> None:
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(DECIMALS))
        _round_subfigures(part)


def steady(figure: Figure) -> Figure:
    """Return the figure, its layout the same at every call."""
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        figure.set_layout_engine(SteadyLayoutEngine())
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the date and version that would change its bytes."""
    with replacing(path) as part:
        steady(figure).savefig(part, format="png", metadata={"Software": None})


def save_pdf(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, without the dates and versions that would change its bytes."""
    with replacing(path) as part:
        unchanging = {"CreationDate": None, "Creator": None, "Producer": None}
        steady(figure).savefig(part, format="pdf", metadata=unchanging)


def save_animation(figures: Sequence[Figure], path: Path) -> None:
    """Write figures of one size as the frames of a WebP that repeats; the last stays longer."""
    frames = []
    for figure in figures:
        drawn = BytesIO()
        steady(figure).savefig(drawn, format="png", dpi=FRAME_DPI)
        frames.append(Image.open(drawn).convert("RGB"))
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [3 * FRAME_MILLISECONDS]
    with replacing(path) as part:
        first, *others = frames
        first.save(
            part,
            format="WEBP",
            save_all=True,
            append_images=others,
            duration=durations,
            loop=0,
            quality=FRAME_QUALITY,
        )


def is_on_black(images: Array) -> bool:
    """Tell whether images (n, c, h, w), uint8, are grey and bright on black, as strokes are."""
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    return images.shape[1] == 1 and (not corners.size or np.median(corners) < BLACK)


@contextmanager
def images_like(images: Array) -> Iterator[None]:
    """While it lasts, draw grey images as these are seen best: strokes dark on white, others as is.

    Args:
        images: some of the data set, uint8, (n, c, h, w).
    """
    with mpl.rc_context():
        mpl.rcParams["image.cmap"] = ON_WHITE if is_on_black(images) else AS_IT_IS
        yield


def image_grid(images: Array, columns: int) -> Array:
    """Lay images (n, c, h, w), uint8, out in rows with a gap between them, (height, width[, 3])."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    height, width = height + GAP, width + GAP
    paper = 0 if channels == 1 and mpl.rcParams["image.cmap"] == ON_WHITE else 255
    sheet = np.full((rows * columns, channels, height, width), paper, dtype=images.dtype)
    sheet[:n, :, GAP:, GAP:] = images
    sheet = sheet.reshape(rows, columns, channels, height, width)
    sheet = sheet.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    return sheet[..., 0] if channels == 1 else sheet


def show_images(axes: Axes, images: Array, columns: int) -> None:
    """Draw images (n, c, h, w), uint8, as a sheet without axes."""
    axes.imshow(image_grid(images, columns), vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def scatter_by_class(axes: Axes, points: Array, labels: Array, largest: float = 9) -> None:
    """Draw points (n, 2) with a colour and marker for each class.

    The fewer points there are, the larger they are drawn, up to `largest` pt².
    """
    colours = np.array(PALETTE)[labels % len(PALETTE)]
    markers = np.array([_marker(label) for label in labels])
    size = float(np.clip(5000 / len(points), 1, largest))
    for marker in np.unique(markers):
        x, y = points[markers == marker].T
        c = colours[markers == marker]
        axes.scatter(x, y, c=c, s=size, marker=marker, linewidths=0, rasterized=True)


def scatter_plane(
    axes: Axes, points: Array, labels: Array, name_of: Callable[[int], str] = str
) -> None:
    """Draw points (n, 2) by class, in a plane whose axes have no unit."""
    scatter_by_class(axes, points, labels)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("0.8")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(1)
    axes.apply_aspect()  # it sets the limits
    name_classes(axes, points, labels, name_of)


def short_name(name: str) -> str:
    """Return the name of a class, cut if it is long."""
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def class_legend(figure: Figure, labels: Array, name_of: Callable[[int], str] = str) -> None:
    """Put one legend for the classes below a figure; none where there is but one class.

    Of many classes it names as many as there are pairs of a colour and a marker.
    """
    classes = np.unique(labels)
    if len(classes) == 1:
        return
    shown = classes[: len(PALETTE) * len(MARKERS)]
    handles = [
        Line2D(
            [], [], marker=_marker(c), linestyle="", markersize=4, color=PALETTE[c % len(PALETTE)]
        )
        for c in shown
    ]
    names = [short_name(name_of(label)) for label in shown]
    title = "class" if len(shown) == len(classes) else f"class (of {len(classes)})"
    widest = LETTER * max(map(len, names)) + KEY  # inches
    figure.legend(
        handles,
        names,
        title=title,
        loc="outside lower center",
        frameon=False,
        ncols=min(len(names), int(WIDTH / widest)),
        handletextpad=0.1,
        columnspacing=1,
    )


def _marker(label: int) -> str:
    """Return the marker of a class: the first ten classes have circles, the next ten triangles."""
    return MARKERS[label // len(PALETTE) % len(MARKERS)]


def name_classes(
    axes: Axes, points: Array, labels: Array, name_of: Callable[[int], str] = str
) -> None:
    """Write each class's name near the median of its points (n, 2), so that no colour is needed.

    One class alone is not named, and names that would cover the points or lie far from theirs are
    left to the legend. The limits of the axes have to be set.
    """
    names = {label: short_name(name_of(label)) for label in np.unique(labels)}
    if len(names) == 1 or sum(map(len, names.values())) > MAX_LETTERS:
        return
    low, high = np.transpose([axes.get_xlim(), axes.get_ylim()])
    middles = np.array([np.median(points[labels == label], axis=0) for label in names])
    letters = np.array([[(len(name) + 0.5) * LETTER, LINE] for name in names.values()])
    shares = _apart((middles - low) / (high - low), letters / _side(axes))
    if shares is None:
        return
    for (x, y), name in zip(low + shares * (high - low), names.values(), strict=True):
        text = axes.text(
            x, y, name, ha="center", va="center", weight="bold", size=SMALLEST, clip_on=True
        )
        text.set_path_effects([Stroke(linewidth=2, foreground="white"), Normal()])


def name_ticks(axes: Axes, names: Sequence[str]) -> None:
    """Write names below the places 0, 1, … of a panel, slanted if they would cover one another."""
    axes.set_xticks(range(len(names)), names)
    if LETTER * sum(map(len, names)) > _side(axes):
        axes.tick_params(axis="x", labelrotation=30, labelrotation_mode="xtick")


def _side(axes: Axes) -> float:
    """Return about how many inches wide a panel is."""
    spec = axes.get_subplotspec()
    assert spec is not None
    grid = spec.get_gridspec()
    whole = axes.get_figure(root=True)
    assert whole is not None
    return float(min(WIDTH / grid.ncols, whole.get_figheight() / grid.nrows)) - MARGIN


def _apart(middles: Array, sizes: Array) -> Array | None:
    """Move boxes with these middles and sizes, both (n, 2), apart until none covers another.

    Each time the two that cover one another part in the direction in which they cover less. All
    stay within the square from 0 to 1. Without a place for each near its middle it returns None.
    """
    places: Array = middles + 1e-6 * np.arange(len(middles))[:, None]  # equal ones know where to go
    for _ in range(ROUNDS):
        moved = np.zeros_like(places)
        for one, other in combinations(range(len(places)), 2):
            gap = places[other] - places[one]
            covered = (sizes[one] + sizes[other]) / 2 - np.abs(gap)
            if (covered > 0).all():
                axis = covered.argmin()
                step = np.copysign(covered[axis] / 2, gap[axis])
                moved[one, axis] -= step
                moved[other, axis] += step
        places = (places + moved).clip(sizes / 2, 1 - sizes / 2)
        if np.abs(moved).max() < PARTED:
            return places if np.abs(places - middles).max() < FARTHEST else None
    return None


def loss_axis(axes: Axes, losses: pd.Series) -> None:
    """Fit the y axis to these losses, with a logarithmic scale if all are above zero."""
    low, high = losses.min(), losses.max()
    if low <= 0:
        margin = 0.05 * (high - low) + 1e-6
        axes.set_ylim(low - margin, high + margin)
    else:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.08, high * 1.08)
        between = (1, 1.5, 2, 3, 5, 7) if high < MANY_TICKS * low else (1,)
        if high < FEW_TICKS * low:
            axes.yaxis.set_major_locator(MaxNLocator(4))
        else:
            axes.yaxis.set_major_locator(LogLocator(subs=between))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def panels(
    n: int,
    aspect: float = 1.0,
    title_lines: int = 1,
    columns: int = COLUMNS,
    most: int = MAX_COLUMNS,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with n panels in rows; `aspect` is a panel's height divided by its width.

    More than `columns`, and `most` at the most, are in a row if the figure would be higher than a
    page.
    """
    lines = [title_lines] * n
    while columns < most and _height(lines, aspect, columns) > PAGE:
        columns += 1
    return _panels(lines, aspect, columns)


def labelled_panels(labels: Sequence[str], aspect: float = 1.0) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel below each label, with room for the lines that it takes."""
    for columns in range(COLUMNS, MAX_COLUMNS + 1):
        titles = [folded(label, TITLE_WIDTH * COLUMNS // columns) for label in labels]
        lines = [title.count("\n") + 1 for title in titles]
        if _height(lines, aspect, columns) <= PAGE:
            break
    figure, places = _panels(lines, aspect, columns)
    for panel, title in zip(places, titles, strict=True):
        panel.set_title(title)
    return figure, places


def _panels(title_lines: Sequence[int], aspect: float, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each title, which takes so many lines."""
    height, columns = _height(title_lines, aspect, columns), min(len(title_lines), columns)
    figure = Figure(figsize=(WIDTH, height))
    rows = -(-len(title_lines) // columns)
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    for unused in grid[len(title_lines) :]:
        unused.set_visible(False)
    return figure, list(grid[: len(title_lines)])


def _height(title_lines: Sequence[int], aspect: float, columns: int) -> float:
    """Return the inches that panels in rows take, each row with room for its longest title."""
    panel = aspect * WIDTH / min(len(title_lines), columns) + (0.3 if aspect < 1 else 0)
    longest = [
        max(title_lines[start : start + columns]) for start in range(0, len(title_lines), columns)
    ]
    return sum(panel + 0.15 * lines for lines in longest) + 0.3


def folded(label: str, width: int = LABEL_WIDTH) -> str:
    """Fold a run's label into lines of so many letters, between settings where that can be."""
    return "\n".join(shown for line in label.splitlines() for shown in _lines(line, width))


def _lines(line: str, width: int) -> Iterator[str]:
    parts = line.split(", ")
    whole = [part.replace(" ", "\xa0") if len(part) < width else part for part in parts]
    for shown in textwrap.wrap(", ".join(whole), width):
        yield shown.replace("\xa0", " ")


def label_outer(places: Sequence[Axes]) -> None:
    """Leave labels of axes, and of ticks on one scale, to the left and the lowest of these panels.

    An axis that differs from its neighbour's keeps its own, and so does each horizontal one where
    these panels have several. Titles and limits have to be set.
    """
    at = {_place(panel): panel for panel in places}
    ticks = {axis: _ticks(axis) for panel in places for axis in (panel.xaxis, panel.yaxis)}
    has_one_below = len({panel.get_xlabel() for panel in places}) == 1
    for (row, column), panel in at.items():
        left, below = at.get((row, column - 1)), at.get((row + 1, column))
        if left is not None and left.get_ylabel() == panel.get_ylabel():
            panel.yaxis.label.set_visible(False)
            if ticks[left.yaxis] == ticks[panel.yaxis]:
                panel.tick_params(labelleft=False)
        if below is not None and has_one_below:
            panel.xaxis.label.set_visible(False)
            if ticks[below.xaxis] == ticks[panel.xaxis]:
                panel.tick_params(labelbottom=False)


def _ticks(axis: Axis) -> tuple[object, ...]:
    """Return all that decides which ticks an axis shows: two panels of categories may differ."""
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return (*axis.get_view_interval(), axis.get_scale(), *axis.get_ticklocs(), *texts)


def _place(panel: Axes) -> tuple[int, int]:
    """Return the row and the column of a panel."""
    spec = panel.get_subplotspec()
    assert spec is not None
    return spec.rowspan.start, spec.colspan.start


def two_dimensions(codes: Array) -> Array:
    """Return codes (n, d) in the plane, (n, 2): beyond d = 2 their first principal components.

    Those of one dimension have a zero beside them.
    """
    if codes.shape[1] <= 2:  # noqa: PLR2004
        return np.pad(codes, ((0, 0), (0, 2 - codes.shape[1])))
    centred = codes - codes.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    projected: Array = centred @ directions[:2].T
    return projected
