"""Draws one picture of a run, for the report's links, for MLflow and for browsing."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.palette import PALETTE
from latentgrid.figures.style import (
    WIDTH,
    images_like,
    loss_axis,
    name_classes,
    scatter_by_class,
    show_images,
    two_dimensions,
)
from latentgrid.results.trained import TestSet, TrainedRun

# Each part with its colour; the last lies on the others, and lets them show through.
PARTS = {"train": PALETTE[0], "test": PALETTE[1], "validation": PALETTE[2]}
STYLES = {"validation": "--"}


def draw(run: TrainedRun, test: TestSet, title: str) -> Figure:
    """Draw losses, samples and test codes of a run side by side."""
    figure = Figure(figsize=(WIDTH, 2.6))
    figure.suptitle(title, fontsize=8)
    losses, samples, codes = figure.subplots(1, 3)
    _draw_losses(losses, run)
    with images_like(test.images):
        _draw_samples(samples, run)
    _draw_codes(codes, run, test)
    return figure


def _draw_losses(panel: Axes, run: TrainedRun) -> None:
    if not run.history.empty:
        parts = [part for part in PARTS if f"{part}_loss" in run.history]
        for part in parts:
            colour, style = PARTS[part], STYLES.get(part, "-")
            losses = run.history[f"{part}_loss"]
            panel.plot(run.history["epoch"], losses, color=colour, linestyle=style, label=part)
        loss_axis(panel, run.history[[f"{part}_loss" for part in parts]].stack())
        panel.legend(frameon=False)
    panel.set(xlabel="epoch", ylabel=run.config.total, title=run.outcome.status)
    panel.set_box_aspect(1)


def _draw_samples(panel: Axes, run: TrainedRun) -> None:
    samples = run.last("samples")
    if samples is None:
        panel.set_visible(False)
    else:
        show_images(panel, samples[:64], columns=8)
        panel.set_title("samples")


def _draw_codes(panel: Axes, run: TrainedRun, test: TestSet) -> None:
    codes = run.last("codes")
    if codes is None:
        panel.set_visible(False)
    else:
        plane = two_dimensions(codes)
        scatter_by_class(panel, plane, test.labels)
        name_classes(panel, plane, test.labels, test.name_of)
        title = "test codes" + ", coloured by class" * test.has_classes
        panel.set(title=title, xticks=[], yticks=[])
        panel.set_box_aspect(1)
