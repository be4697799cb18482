"""What each hyperparameter does to the loss, the others averaged over (source 000, figure 7.2)."""

from matplotlib.figure import Figure

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import PALETTE, WIDTH, loss_axis

NAMES = {"latent_dim": "latent dimension", "learning_rate": "learning rate"}


def draw(material: Material) -> Figure:
    """Draw a row per model and a column per axis: each run a dot, each value's mean a bar."""
    runs = material.runs
    axes = material.axes
    if not axes:
        return nothing("No hyperparameter has more than one value.")
    entries = list(runs["entry"].unique())
    figure = Figure(figsize=(WIDTH, 1.6 * len(entries)))
    grid = figure.subplots(len(entries), len(axes), squeeze=False, sharey="row", sharex="col")
    for row, (panels, entry) in enumerate(zip(grid, entries, strict=True)):
        of_entry = runs[runs["entry"] == entry]
        for panel, axis in zip(panels, axes, strict=True):
            values = sorted(runs[axis].dropna().unique())
            for place, value in enumerate(values):
                losses = of_entry.loc[of_entry[axis] == value, "min_train_loss"]
                offsets = [place + 0.5 * (i + 0.5) / len(losses) - 0.25 for i in range(len(losses))]
                panel.plot(offsets, losses, "o", color=PALETTE[0], markersize=3, alpha=0.7)
                panel.hlines(losses.mean(), place - 0.35, place + 0.35, color=PALETTE[2], lw=2)
            panel.set_xticks(
                range(len(values)), [f"{v:g}" if axis != "optimizer" else v for v in values]
            )
            panel.set_xlim(-0.5, len(values) - 0.5)
            if row == len(entries) - 1:
                panel.set_xlabel(NAMES.get(axis, axis))
        loss_axis(panels[0])
        panels[0].set_ylabel(f"{entry}\n{material.loss_label(of_entry)}")
    return figure
