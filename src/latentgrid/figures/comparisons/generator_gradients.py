"""The generator's gradients under either form of its loss (source 004, section 1.2)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from latentgrid.evaluation.intervals import of_mean
from latentgrid.figures.drawing import Drawing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array

TITLE = "The two losses of a GAN's generator"
SECTION = "Where training fails"
PLACE = 3
CAPTION = (
    "How long the players' gradients are when a GAN learns digits of 8×8 pixels, over the batches "
    "seen; lines are geometric means over five seeds, shades their 95 % intervals. Upper left, the "
    "discriminator alone learns and the generator stays untrained: both losses are those of the "
    "same players on the same codes. In the other panels both play, with one or five steps (k) of "
    "the discriminator for each of the generator; lower right, how probable it thinks generated "
    "images to be real. Look at the beginning, upper left, where the discriminator becomes sure: "
    "the gradient of log(1 − D) shrinks as D(G(z)) does, that of −log D does not."
)
CLAIM = (
    "Source 004 (section 1.2) says that early in training, when the discriminator rejects all that "
    "is generated, minimising log(1 − D(G(z))) leads nowhere, and that maximising log D(G(z)) "
    "instead gives stronger gradients at the start. It asks that neither player become much better "
    "than the other, which k is for. Source 001 gives the first loss alone. Neither shows a "
    "training."
)
READS = ("experiments/generator_gradients",)
NAMES = {"non_saturating": "−log D(G(z))", "minimax": "log(1 − D(G(z)))"}
COLOURS = dict(zip(NAMES, (PALETTE[0], PALETTE[2]), strict=True))
STYLES: dict[int, Any] = {1: "-", 5: (0, (4, 1.5))}
EARLY = (20, 100)  # batches
Found = Mapping[str, Array]


def draw(results: Results) -> Drawing:
    """Draw gradient norms of the same untrained generator, then of both players in their games."""
    found = results.read(READS[0])
    figure = Figure(figsize=(WIDTH, 4.4))
    (alone, generator), (discriminator, judged) = figure.subplots(2, 2, sharex=True)
    for loss, colour in COLOURS.items():
        _draw_line(alone, found["batches"], found[f"alone/{loss}"], colour, "-")
        for k, style in STYLES.items():
            for panel, key in (
                (generator, "generator"),
                (discriminator, "discriminator"),
                (judged, "judged"),
            ):
                _draw_line(panel, found["batches"], found[f"{loss}/{k}/{key}"], colour, style)
    alone.set(title="The discriminator alone learns", ylabel="norm of generator's gradient")
    generator.set(title="Both play: the generator", ylabel="norm of its gradient")
    discriminator.set(title="Both play: the discriminator", ylabel="norm of its gradient")
    judged.set(title="Both play: who is ahead", ylabel="mean D(G(z))")
    limits = np.array([alone.get_ylim(), generator.get_ylim()])
    for panel in (alone, generator):
        panel.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    for panel in (discriminator, judged):
        panel.set_xlabel("batches seen")
    keys = [Line2D([], [], color=colour) for colour in COLOURS.values()]
    keys += [Line2D([], [], color="black", linestyle=style) for style in STYLES.values()]
    names = [*NAMES.values(), *(f"k = {k}" for k in STYLES)]
    figure.legend(keys, names, loc="outside lower center", ncols=4, frameon=False)
    return Drawing(figure, [_same_players(found), _in_the_games(found)])


def _draw_line(panel: Axes, batches: Array, values: Array, colour: str, style: Any) -> None:
    """Draw the geometric mean of values (seeds, t) and its interval, on a logarithmic axis."""
    logs = np.log(values)
    intervals = [of_mean(of_moment.tolist()) for of_moment in logs.T]
    panel.plot(batches, np.exp(logs.mean(axis=0)), color=colour, linestyle=style, linewidth=1.2)
    if all(intervals):
        low, high = zip(*((one.low, one.high) for one in intervals if one), strict=True)
        panel.fill_between(batches, np.exp(low), np.exp(high), color=colour, alpha=0.15, lw=0)
    panel.set_yscale("log")


def _same_players(found: Found) -> str:
    """Say how many times as long one gradient is as the other, on the same players."""
    parts = []
    for batches in EARLY:
        moment = int(np.searchsorted(found["batches"], batches).clip(max=len(found["batches"]) - 1))
        logs = np.log(found["alone/non_saturating"] / found["alone/minimax"])[:, moment]
        interval = of_mean(logs.tolist())
        between = (
            f" (95 % interval {significant(np.exp(interval.low))} to "
            f"{significant(np.exp(interval.high))})"
            if interval
            else ""
        )
        parts.append(
            f"after {found['batches'][moment]} batches of the discriminator alone, where D(G(z)) "
            f"is {significant(found['alone/judged'][:, moment].mean())}, "
            f"{significant(np.exp(logs.mean()))} times{between}"
        )
    return (
        f"The generator's gradient of −log D is as long as that of log(1 − D) {'; '.join(parts)}."
    )


def _in_the_games(found: Found) -> str:
    """Say how long the generator's gradients are over the first batches of each game."""
    early = found["batches"] <= EARLY[-1]
    parts = [
        f"{name}, k = {k}: "
        f"{significant(np.exp(np.log(found[f'{loss}/{k}/generator'][:, early]).mean()))}"
        for loss, name in NAMES.items()
        for k in STYLES
    ]
    return (
        f"Where both play, the generator's gradient is on (geometric) average over the first "
        f"{EARLY[-1]} batches as long as: {'; '.join(parts)}."
    )
