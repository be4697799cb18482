"""The style of all figures: sizes, fonts, colours, and sheets of images."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from PIL import Image

from latentgrid.files.atomic import replacing
from latentgrid.results.trained import Array

WIDTH = 7.0
DPI = 200
FRAME_DPI = 100
FRAME_QUALITY = 80
FRAME_MILLISECONDS = 800
COLUMNS = 3
TITLE_WIDTH = 30  # characters
# Ratios of the ends of a logarithmic axis: below the first its ticks are linear; from the second on
# only powers of ten are labelled.
FEW_TICKS = 1.6
MANY_TICKS = 30
DECIMALS = 9  # to which positions are rounded: far below a pixel, far above the error of a float
LEGEND_ROWS = 26
NAME_WIDTH = 20  # letters of a class's name
MAX_LETTERS = 120  # of the names that fit into a panel
# Corners at most so dark are the black ground of white strokes, which is drawn white.
BLACK = 16
ON_WHITE, AS_IT_IS = "gray_r", "gray"
GAP = 2  # pixels between images of a sheet
# Petroff (2021), "Accessible color sequences for data visualization": ten colours that stay
# apart under the common colour vision deficiencies.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
MARKERS = "o^sDvP*X"  # tell apart classes that share a colour
mpl.use("agg")
mpl.rcParams.update(
    {
        "font.size": 8,
        "axes.titlesize": 8.5,
        "axes.labelsize": 8,
        "legend.fontsize": 7,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
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
        grids = super().execute(fig)
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


def _steady(figure: Figure) -> Figure:
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        figure.set_layout_engine(SteadyLayoutEngine())
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the date and version that would change its bytes."""
    with replacing(path) as part:
        _steady(figure).savefig(part, format="png", metadata={"Software": None})


def save_pdf(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, without the dates and versions that would change its bytes."""
    with replacing(path) as part:
        unchanging = {"CreationDate": None, "Creator": None, "Producer": None}
        _steady(figure).savefig(part, format="pdf", metadata=unchanging)


def save_animation(figures: Sequence[Figure], path: Path) -> None:
    """Write figures of one size as the frames of a WebP that repeats; the last stays longer."""
    frames = []
    for figure in figures:
        drawn = BytesIO()
        _steady(figure).savefig(drawn, format="png", dpi=FRAME_DPI)
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
    name_classes(axes, points, labels, name_of)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("0.8")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(1)


def short_name(name: str) -> str:
    """Return the name of a class, cut if it is long."""
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def class_legend(
    figure: Figure | SubFigure, labels: Array, name_of: Callable[[int], str] = str
) -> None:
    """Put one legend for the classes to the right of a figure; none where there is but one class.

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
    columns = -(-len(shown) // LEGEND_ROWS)
    figure.legend(
        handles, names, title=title, loc="outside right center", frameon=False, ncols=columns
    )


def _marker(label: int) -> str:
    """Return the marker of a class: the first ten classes have circles, the next ten triangles."""
    return MARKERS[label // len(PALETTE) % len(MARKERS)]


def name_classes(
    axes: Axes, points: Array, labels: Array, name_of: Callable[[int], str] = str
) -> None:
    """Write each class's name at the median of its points (n, 2), so that no colour is needed.

    One class alone is not named, and names that would cover the points are left to the legend.
    """
    names = {label: short_name(name_of(label)) for label in np.unique(labels)}
    if len(names) == 1 or sum(map(len, names.values())) > MAX_LETTERS:
        return
    for label, name in names.items():
        x, y = np.median(points[labels == label], axis=0)
        size = 8 if len(name) <= 2 else 6  # noqa: PLR2004
        text = axes.text(x, y, name, ha="center", va="center", fontsize=size, weight="bold")
        text.set_path_effects([Stroke(linewidth=2, foreground="white"), Normal()])


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
    n: int, aspect: float = 1.0, title_lines: int = 1, columns: int = COLUMNS
) -> tuple[Figure, list[Axes]]:
    """Return a figure with n panels in rows; `aspect` is a panel's height divided by its width."""
    columns = min(n, columns)
    rows = -(-n // columns)
    height = aspect * WIDTH / columns + 0.15 * title_lines + (0.3 if aspect < 1 else 0)
    figure = Figure(figsize=(WIDTH, rows * height + 0.3))
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    for unused in grid[n:]:
        unused.set_visible(False)
    return figure, list(grid[:n])


def set_title(axes: Axes, label: str) -> None:
    """Put a run's label above a panel, its lines no wider than a panel of three in a row."""
    lines = [textwrap.fill(line, TITLE_WIDTH) for line in label.splitlines()]
    axes.set_title("\n".join(lines))


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
