"""How well the classes stand apart in latent space (source 002, figures 4.6 and 4.7)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from latentgrid.figures.drawing import NO_CLASSES, Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import LETTER, LINE, WIDTH, folded, short_name
from latentgrid.results.tables import read_table
from latentgrid.results.trained import TestSet
from latentgrid.text import signed

TITLE = "Silhouettes"
SECTION = "Where the codes lie"
PLACE = 3
CAPTION = (
    "Mean silhouette of the test codes, of all and by class, for the best run of each model. "
    "Near 1, a class's codes stand far from all others; at 0 or below, they lie among those of "
    "another class."
)
CLAIM = (
    "Source 002 (table 4.2, figures 4.6 and 4.7) measures 0.1475 for its autoencoder, 0.1117 "
    "for its variational and 0.1182 for its convolutional variational autoencoder on MNIST, and "
    "concludes that a variational autoencoder separates the classes no better."
)
CLAIM_ON = ("ae", "vae_bce", "conv5_vae")
NEEDS = ("encode",)
DARK = 0.3  # a cell with a larger absolute value has white text
MAX_NUMBERS = 20  # columns into which a number fits
LABELS_WIDTH = 32  # letters
NAMES_WIDTH = 3.9  # inches for the columns
MIN_REACH = 0.5  # source 002 draws its silhouettes on [−0.5, 0.5]


def draw(results: Results) -> Drawing:
    """Draw a row for the best run of each model: its silhouette, over all codes and by class."""
    if not results.test.has_classes:
        return nothing(NO_CLASSES)
    by_class = read_table(results.layout.tables / "silhouettes.csv")
    runs = [r for r in results.best(results.runs) if r["run"] in set(by_class["run"])]
    if not runs:
        return nothing("No run that encodes images has finished.")
    table = by_class.pivot(index="run", columns="class", values="silhouette")
    values = np.array([[run["silhouette"], *table.loc[run["run"]]] for run in runs])
    reach = max(MIN_REACH, float(np.abs(values).max()))
    names = [short_name(results.test.name_of(c)) for c in table.columns]
    labels = [folded(results.label(run).replace("\n", ": "), LABELS_WIDTH) for run in runs]
    lines = len(runs) * max(2, *(label.count("\n") + 1 for label in labels))
    longest = LETTER * max(map(len, names))  # inches
    is_turned = longest > NAMES_WIDTH / (len(names) + 1)
    figure = Figure(figsize=(WIDTH, LINE * lines + 0.9 + longest * is_turned))
    panel = figure.subplots()
    image = panel.imshow(values, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > DARK * reach / MIN_REACH else "black"
        text = f"{round(value, 2) + 0:.2f}".replace("-", "−")  # + 0 makes 0 of −0
        if values.shape[1] <= MAX_NUMBERS:
            panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    panel.axvline(0.5, color="white", linewidth=3)
    every = -(-len(names) // int(NAMES_WIDTH / LINE))  # so many turned names fit
    panel.set_xticks([0, *range(1, len(names) + 1, every)], ["all", *names[::every]])
    panel.tick_params(axis="x", rotation=90 if is_turned else 0)
    panel.set_yticks(range(len(runs)), labels)
    panel.set_xlabel("class")
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    figure.colorbar(image, ax=panel, label="silhouette", aspect=30, fraction=0.03, pad=0.01)
    return Drawing(figure, _separation(pd.DataFrame(runs), by_class, results.test))


def _separation(runs: pd.DataFrame, silhouettes: pd.DataFrame, test: TestSet) -> list[str]:
    """Say which entry's best run separates the classes most and which least, and which classes."""
    ranked = runs.dropna(subset=["silhouette"]).sort_values("silhouette", ascending=False)
    shown = silhouettes[silhouettes["run"].isin(ranked["run"])]
    if shown.empty:
        return []
    order = ", ".join(f"{run.entry} ({signed(run.silhouette, 3)})" for run in ranked.itertuples())
    classes = shown.groupby("class")["silhouette"].mean()
    best, least = test.name_of(classes.idxmax()), test.name_of(classes.idxmin())
    return [
        f"By mean silhouette, from best to worst: {order}.",
        f"Over these models, {best} stands apart best (on average {signed(classes.max(), 2)}) and "
        f"{least} least ({signed(classes.min(), 2)}).",
    ]
