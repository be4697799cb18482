"""What the building blocks of a network do to the error (source 001)."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from latentgrid.evaluation.ablation import ablation_table
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.labels import axis_label, plain
from latentgrid.results.trained import Array

TITLE = "Building blocks"
SECTION = "How they train"
PLACE = 4
CAPTION = (
    "How much larger or smaller the squared error of reconstructed test images becomes when one "
    "building block of a network is exchanged, all else equal: means over the seeds, in pairs of "
    "one seed, and their 95 % intervals from three seeds on, which end at the edge of the figure "
    "where they are wider. Left of the line a block is better than the one that the heading names; "
    "a filled point is one whose interval leaves the line out. To the right, residual against "
    "plain blocks as there are more of them, and normalisations as batches grow. Look for points "
    "far from the line, and whether they are filled."
)
CLAIM = (
    "Source 001 describes such building blocks one after the other. Batch normalisation, it "
    "says, regularises and makes training converge better, but needs batches of more than about "
    "32; a deep residual network is better than a less deep one where a plain one is not; two 3×3 "
    "convolutions see as far as one of 5×5. It measures none of them."
)
CLAIM_ON = ("conv_ae",)
NEEDS = ("reconstruct",)
WORDS = {
    "single": "none",
    "plain": "two 3×3",
    "wide": "one 5×5",
    "residual": "two 3×3 with skip",
    "local_response": "local response",
    "leaky_relu": "leaky ReLU",
    "relu": "ReLU",
    "elu": "ELU",
    "both": "shift and reflection",
}
HEADINGS = {"block": "further layers"}
AT_LEVELS = {
    "depth": ("Residual against plain", "blocks at each size"),
    "batch_size": ("Normalisation against none", "images in a batch"),
}
RATIO = 0.6  # of the figure's width, for the blocks if there are levels beside them
LINE = 0.155  # inches
GAP = 1.5  # lines from the last row of a question to the heading of the next
FEW = 0.01  # a share of the weights that is not worth mentioning
COLOUR = PALETTE[0]
LABELS = 1.7  # inches to the left of the points, in which headings begin
# The axis is logarithmic in multiples of the rival's error; its ticks name them as changes. Which
# multiples are ticks hangs on the ratio of the axis' ends.
TICKS = {
    6.0: (0.25, 0.5, 1.0, 2.0, 4.0),
    2.0: (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8),
    1.0: (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5),
}
LEAST, MOST = 0.22, 4.5  # points and intervals beyond are cut
MARKERS = "osD^v"


def draw(results: Results) -> Drawing:
    """Draw the effect of each exchanged block as a point, and along levels as lines."""
    table = ablation_table(results.runs)
    if table.empty:
        return nothing("No two runs differ in a single building block alone.")
    leveled = table["level"].notna()
    blocks = [of for _, of in table[~leveled].groupby(["model", "question", "against"], sort=False)]
    levels = [of for _, of in table[leveled].groupby(["model", "question"], sort=False)]
    rows = sum(len(of) + GAP for of in blocks)
    figure = Figure(figsize=(WIDTH, max(LINE * rows + 0.6, 1.9 * len(levels), 1.6)))
    widths = [RATIO, 1 - RATIO] if blocks and levels else [1]
    parts = figure.subfigures(1, len(widths), width_ratios=widths, squeeze=False)[0]
    if blocks:
        _draw_blocks(parts[0].subplots(), blocks)
    if levels:
        panels = parts[-1].subplots(len(levels), 1, squeeze=False)[:, 0]
        for panel, of in zip(panels, levels, strict=True):
            _draw_levels(panel, of)
    return Drawing(figure, list(_seen(table)))


def _draw_blocks(panel: Axes, groups: Sequence[pd.DataFrame]) -> None:
    """Draw a row for each exchanged block, below a heading for each question."""
    labels: dict[float, str] = {}
    place = 0.0
    for of in groups:
        panel.annotate(
            _heading(of.iloc[0]),
            (0, place),
            (-72 * LABELS, 0),
            ("axes fraction", "data"),
            "offset points",
            va="center",
            fontsize=7,
            weight="bold",
        )
        for _, row in of.iterrows():
            place -= 1
            _draw_effect(panel, row, place)
            labels[place] = _word(row["choice"]) + _parameters(row)
        place -= GAP
    panel.set_yticks(list(labels), list(labels.values()))
    panel.set_ylim(place + GAP - 0.7, 0.7)
    panel.axvline(1, color="black", linewidth=0.8)
    panel.set_xscale("log")
    _ticks_of(panel.xaxis, *panel.get_xlim())
    panel.set_xlabel("change of the squared error per test image")
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _draw_effect(panel: Axes, row: pd.Series, place: float) -> None:
    """Draw a point with its interval, filled if the interval leaves out "no change"."""
    if pd.notna(row["low"]):
        panel.plot(_multiples(row[["low", "high"]]), [place, place], color=COLOUR, linewidth=1.2)
    panel.plot(
        _multiples(row[["effect"]]),
        [place],
        "o",
        color=COLOUR,
        markersize=4.5,
        markerfacecolor=COLOUR if _is_clear(row) else "white",
    )


def _draw_levels(panel: Axes, of_question: pd.DataFrame) -> None:
    """Draw a line along the level for each choice."""
    first = of_question.iloc[0]
    title, label = AT_LEVELS[first["question"]]
    for number, (choice, of) in enumerate(of_question.groupby("choice", sort=False)):
        middle, low, high = (_multiples(of[column]) for column in ("effect", "low", "high"))
        panel.errorbar(
            of["level"],
            middle,
            [middle - low, high - middle],
            color=PALETTE[number],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            linewidth=1.2,
            label=_word(choice),
        )
    panel.axhline(1, color="black", linewidth=0.8)
    panel.set_xscale("log", base=2)
    levels = sorted(of_question["level"].unique())
    panel.set_xticks(levels, [plain(level) for level in levels])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_yscale("log")
    _ticks_of(panel.yaxis, *panel.get_ylim())
    panel.set(title=title, xlabel=label, ylabel="change of the squared error")
    panel.legend(frameon=False)


def _ticks_of(axis: Axis, low: float, high: float) -> None:
    ticks = next(ticks for ratio, ticks in TICKS.items() if high >= ratio * low)
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_major_formatter(FuncFormatter(lambda multiple, _: _change(100 * (multiple - 1))))
    axis.set_minor_locator(NullLocator())


def _multiples(effects: pd.Series) -> Array:
    """Return effects in per cent as multiples of the rival's error, cut to what is drawn."""
    multiples: Array = np.clip(1 + effects.to_numpy(dtype=float) / 100, LEAST, MOST)
    return multiples


def _is_clear(row: pd.Series) -> bool:
    """Tell whether the interval leaves out "no change"."""
    return bool(row["low"] > 0 or row["high"] < 0)


def _heading(row: pd.Series) -> str:
    name = HEADINGS.get(row["question"], axis_label(row["question"]))
    return f"{name}, against {_word(row['against'])}"


def _word(choice: object) -> str:
    return WORDS.get(str(choice), axis_label(str(choice)))


def _parameters(row: pd.Series) -> str:
    """Say by how much the number of parameters differs from the rival's, if by 1 % or more."""
    ratio = row["parameters"] / row["parameters_against"]
    return "" if abs(ratio - 1) < FEW else f" ({_change(100 * (ratio - 1))} weights)"


def _change(percent: float) -> str:
    return "0" if round(percent) == 0 else f"{percent:+.0f} %".replace("-", "−")


def _seen(table: pd.DataFrame) -> Iterator[str]:
    """Say which exchanges change the error clearly, and what is seen along the levels."""
    single = table[table["level"].isna()]
    if len(single):
        clear = single[[_is_clear(row) for _, row in single.iterrows()]].sort_values("effect")
        said = [f"{_of(row)} {_change(row['effect'])}" for _, row in clear.iterrows()]
        others = len(single) - len(clear)
        yield (
            f"Of {len(single)} exchanges, those whose interval leaves out no change: "
            f"{'; '.join(said) or 'none'}. "
            f"The other {others} cannot be told from no change with {_seeds(single)}."
        )
    for _, kernel in single[single["question"] == "kernel"].iterrows():
        yield (
            f"Two 3×3 convolutions in place of one 5×5, which see as far: "
            f"{_change(100 * (kernel['parameters'] / kernel['parameters_against'] - 1))} weights "
            f"in the whole network, {_with_interval(kernel)} squared error."
        )
    for (question, choice), of in table[table["level"].notna()].groupby(["question", "choice"]):
        title, label = AT_LEVELS[question]
        along = [f"{plain(row['level'])}: {_with_interval(row)}" for _, row in of.iterrows()]
        yield f"{title} ({_word(choice)}), by {label}: {'; '.join(along)}."


def _of(row: pd.Series) -> str:
    return f"{axis_label(row['question'])} {_word(row['choice'])} for {_word(row['against'])}"


def _with_interval(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return _change(row["effect"])
    return f"{_change(row['effect'])} [{_change(row['low'])}, {_change(row['high'])}]"


def _seeds(table: pd.DataFrame) -> str:
    counts = sorted(table["n"].unique())
    return f"{' or '.join(map(str, counts))} seed{'s' if counts != [1] else ''}"
