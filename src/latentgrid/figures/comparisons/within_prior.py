"""How steadily codes keep to their prior, from epoch to epoch (source 004, section 1.4)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.tables import read_table

TITLE = "How steadily codes keep to the prior"
SECTION = "How they train"
PLACE = 1.5
CAPTION = (
    "Two players over the epochs, on test images, a colour for each setting and a line for each "
    "seed. Left, the share of codes, drawn from the posterior, within the densest region that "
    "holds 95 % of the prior: the dashed line, where it should be. Right, the discriminator's "
    "cross entropy; at the dashed line, 2·log 2 nats, it cannot tell codes from the prior. Look "
    "for lines that swing: encoder and discriminator then chase each other, and what a single "
    "epoch shows is one moment of it."
)
CLAIM = (
    "Source 004 (section 1.4) says that adversarial training draws the codes to the prior, for "
    "each of its three posteriors, and in section 1.2 that neither player may become much better "
    "than the other. It shows no training."
)
NEEDS = ("encode", "discrimination")
HELD = 0.95
CHANCE = 2 * np.log(2)
COLUMNS = {"test_within_prior": HELD, "test_discriminator": CHANCE}
LABELS = {
    "test_within_prior": "codes in the prior's 95 % region",
    "test_discriminator": "discriminator, nats per image",
}


def draw(results: Results) -> Drawing:
    """Draw the share of codes within the prior, and the discriminator's loss, over the epochs."""
    runs = results.runs[results.runs["epochs"] > 1]
    if runs.empty:
        return nothing("No run of more than one epoch that keeps codes to a prior has finished.")
    history = read_table(results.layout.tables / "history.csv")
    settings = {results.label(run): results.repeated(run) for _, run in runs.iterrows()}
    figure = Figure(figsize=(WIDTH, 2.6 + 0.16 * -(-len(settings) // 2)))
    panels = figure.subplots(1, 2)
    for panel, (column, aim) in zip(panels, COLUMNS.items(), strict=True):
        _draw_lines(panel, settings, history, column)
        panel.axhline(aim, color="black", linestyle="--", linewidth=0.8)
        panel.set(xlabel="epoch", ylabel=LABELS[column])
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    keys = [Line2D([], [], color=PALETTE[n % len(PALETTE)]) for n in range(len(settings))]
    names = [name.replace("\n", ": ") for name in settings]
    figure.legend(keys, names, loc="outside lower center", ncols=2, frameon=False)
    return Drawing(figure, [_steadiness(settings, history)])


def _draw_lines(
    panel: Axes, settings: dict[str, pd.DataFrame], history: pd.DataFrame, column: str
) -> None:
    for number, runs in enumerate(settings.values()):
        for name in runs["run"]:
            of_run = history[history["run"] == name]
            colour = PALETTE[number % len(PALETTE)]
            panel.plot(of_run["epoch"], of_run[column], color=colour, lw=1, marker=".", ms=3)


def _steadiness(settings: dict[str, pd.DataFrame], history: pd.DataFrame) -> str:
    """Say between which shares the codes of each setting swing after the first half of training."""
    said = []
    for name, runs in settings.items():
        of_runs = history[history["run"].isin(runs["run"])]
        late = of_runs[of_runs["epoch"] > of_runs["epoch"].max() / 2]["test_within_prior"]
        last = of_runs[of_runs["epoch"] == of_runs["epoch"].max()]["test_within_prior"].mean()
        said.append(
            f"{name.replace(chr(10), ': ')} {100 * late.min():.0f} to {100 * late.max():.0f} %, "
            f"{100 * last:.0f} % at the end"
        )
    return (
        "In the second half of training the share of codes within the prior's region of 95 % is, "
        f"over epochs and seeds: {'; '.join(said)}."
    )
