"""How samples, codes and manifold change over the epochs (source 000, figures 6.5 to 6.7)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.evaluation.distances import movement
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import PAGE, WIDTH, class_legend, scatter_by_class, show_images
from latentgrid.results.trained import Array, TestSet

TITLE = "From epoch to epoch"
SECTION = "How they train"
PLACE = 2
CAPTION = (
    "Samples, test codes by class, and the images along the latent space, after some of the "
    "epochs from before the training to its end, for the best two-dimensional run of up to "
    "three models. Each sample is decoded from the same draw throughout, and all epochs share "
    "the axes of their codes. Look for when the classes take shape and when the codes come to "
    "rest."
)
CLAIM = (
    "Source 000 (section 6.9, figures 6.5 to 6.7) sees samples get clearer and more "
    "recognisable with the epochs, and a latent space that varies strongly at first and hardly "
    "changes in the last epochs."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ("encode",)
ANIMATED = True
MAX_MODELS = 3
HEIGHTS = [0.12, 1, 1, 1]  # of the rows of a model: label, samples, codes, manifold
SIDE_OF_PANEL = 1.4  # inches, at most
COLUMNS = 6  # epochs in the picture; the animation shows all epochs with a snapshot
SIDE = 4  # samples on each side of a sheet
STEP = 2  # every second row and column of the manifold is drawn, so that its images can be seen
CODES = 2000


@dataclass(frozen=True)
class Course:
    """The snapshots of one run: samples, codes and manifold by epoch."""

    entry: str
    label: str
    samples: dict[int, Array]
    codes: dict[int, Array]
    manifold: dict[int, Array]

    @property
    def epochs(self) -> list[int]:
        """The epochs with a snapshot."""
        return list(self.codes)

    def until(self, epoch: int) -> int:
        """Return the last epoch with a snapshot that is no later than this one."""
        return max(kept for kept in self.epochs if kept <= epoch)


def draw(results: Results) -> Drawing:
    """Draw the best two-dimensional run of up to three models, a column per epoch, equal axes."""
    courses = list(_courses(results))[:MAX_MODELS]
    if not courses:
        return nothing("No run with two latent dimensions that can be sampled has finished.")
    test = results.test
    columns = min(COLUMNS, max(len(course.epochs) for course in courses))
    side = min(SIDE_OF_PANEL, 0.9 * WIDTH / columns, (PAGE - 0.5) / len(courses) / 3 - 0.12)
    figure = Figure(figsize=(WIDTH, (3 * side + 0.36) * len(courses) + 0.5))
    rows = figure.subplots(
        4 * len(courses), columns, squeeze=False, height_ratios=HEIGHTS * len(courses)
    )
    for block, course in zip(np.split(rows, len(courses)), courses, strict=True):
        _draw_block(block, course, test.labels)
    class_legend(figure, test.labels, test.name_of)
    epochs = sorted({epoch for course in courses for epoch in course.epochs})
    frames = [_frame(courses, test, epoch) for epoch in epochs]
    return Drawing(figure, [_motion(courses)], frames=frames)


def _courses(results: Results) -> Iterator[Course]:
    for run in results.best_of_two_dimensions():
        trained = results.trained(run["run"])
        kept = {name: trained.over_epochs(name) for name in ("samples", "codes", "manifold")}
        if all(len(by_epoch) > 1 for by_epoch in kept.values()):
            yield Course(run["entry"], results.label(run).replace("\n", ", "), **kept)


def _draw_block(rows: Array, course: Course, labels: Array) -> None:
    """Draw rows of samples, codes and manifold, a column per epoch, below the run's label."""
    head, *panels = rows
    columns = len(head)
    chosen = np.linspace(0, len(course.epochs) - 1, min(columns, len(course.epochs)))
    epochs = [course.epochs[round(place)] for place in chosen]
    for column, epoch in zip(np.transpose(panels), epochs, strict=False):
        _draw_epoch(column, course, labels, epoch)
        column[0].set_title(f"epoch {epoch}")
    for panel in head:
        panel.set_axis_off()
    above = head[0].text(0, 0, course.label, weight="bold", transform=head[0].transAxes)
    above.set_in_layout(False)  # it is wider than its panel
    for row, name in zip(panels, ("samples", "codes", "manifold"), strict=True):
        row[0].set_ylabel(name)
        for unused in row[len(epochs) :]:
            unused.set_visible(False)
    for panel in panels[1][1:]:
        panel.tick_params(labelleft=False)


def _frame(courses: list[Course], test: TestSet, epoch: int) -> Figure:
    """Draw a row per model, each after this epoch or the last one with a snapshot before it."""
    figure = Figure(figsize=(WIDTH, 2.3 * len(courses)))
    rows = figure.subplots(len(courses), 3, squeeze=False)
    for row, course in zip(rows, courses, strict=True):
        now = course.until(epoch)
        _draw_epoch(row, course, test.labels, now)
        row[0].set_ylabel(course.entry)
        titles = (f"samples, epoch {now}", f"codes, epoch {now}", f"manifold, epoch {now}")
        for panel, title in zip(row, titles, strict=True):
            panel.set_title(title)
    class_legend(figure, test.labels, test.name_of)
    return figure


def _draw_epoch(places: Array, course: Course, labels: Array, epoch: int) -> None:
    """Draw samples, codes and manifold after one epoch into three panels."""
    side = round(len(course.manifold[epoch]) ** 0.5)
    grid = course.manifold[epoch].reshape(side, side, *course.manifold[epoch].shape[1:])
    grid = grid[::STEP, ::STEP]
    show_images(places[0], course.samples[epoch][: SIDE**2], SIDE)
    _draw_codes(places[1], course, labels, epoch)
    show_images(places[2], grid.reshape(-1, *grid.shape[2:]), len(grid))
    for sheet in (places[0], places[2]):
        sheet.spines[:].set(visible=True, color="0.8")  # images may be blank at first


def _draw_codes(panel: Axes, course: Course, labels: Array, epoch: int) -> None:
    scatter_by_class(panel, course.codes[epoch][:CODES], labels[:CODES], largest=3)
    everything = np.concatenate(list(course.codes.values()))
    low, high = np.quantile(everything, [0.002, 0.998], axis=0)
    margin = 0.05 * (high - low) + 1e-6
    panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]))
    panel.set(ylim=(low[1] - margin[1], high[1] + margin[1]))
    panel.set_box_aspect(1)


def _motion(courses: list[Course]) -> str:
    """Say how far the codes moved in the first and in the last interval between snapshots."""
    parts = []
    for course in courses:
        first, second, *_ = course.epochs
        *_, before, last = course.epochs
        intervals = dict.fromkeys([(first, second), (before, last)])
        distances = ", ".join(
            f"{movement(course.codes, start, end):.2g} between epochs {start} and {end}"
            for start, end in intervals
        )
        parts.append(f"{course.entry} {distances}")
    return (
        "Mean distance of a test code from where it was, as a multiple of the root mean squared "
        f"distance of the last codes from their mean: {'; '.join(parts)}."
    )
