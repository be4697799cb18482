"""What the layers of flows make of noise in the plane (source 001, "Flujos invertibles")."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array

TITLE = "A density pushed through the layers of flows"
SECTION = "How probability is estimated"
PLACE = 4
CAPTION = (
    "Flows of the five kinds, each of six layers, learnt by maximum likelihood from points of the "
    "plane: two half circles with noise. From left to right draws of N(0, I), what they are after "
    "two, four and all layers on the way to the data, and the density that the flow gives each "
    "place; at the bottom the data and their true density. Beside each name stands the mean of "
    "−log p over new points. A draw keeps its colour, that of its first coordinate. All densities "
    "share one scale. Look for what a kind can not bend: "
    "linear layers leave a Gaussian, elementwise ones a density whose coordinates are independent."
)
CLAIM = (
    'Source 001 ("Flujos normalizantes") says that flows work with densities of any complexity and '
    "give the probability itself, and lists linear, elementwise, autoregressive and residual "
    "layers. It compares none of them."
)
READS = ("experiments/flow_toy",)
KINDS = ("linear", "elementwise", "autoregressive", "coupling", "residual")


def draw(results: Results) -> Drawing:
    """Draw a row for each kind: noise on its way through the layers, and the flow's density."""
    flows = {kind: results.read_part(READS[0], kind) for kind in KINDS}
    data = results.read_part(READS[0], "data")
    layers = len(flows[KINDS[0]]["path"]) - 1
    shown = [0, layers // 3, 2 * layers // 3, layers]
    figure = Figure(figsize=(WIDTH, 1.15 * (len(KINDS) + 1)))
    places = figure.subplots(len(KINDS) + 1, len(shown) + 1, sharex=True, sharey=True)
    reach, highest = float(data["side"][-1]), np.exp(data["density"]).max()
    for row, (kind, flow) in zip(places, flows.items(), strict=False):
        colours = flow["path"][0, :, 0]
        for panel, layer in zip(row, shown, strict=False):
            _scatter(panel, flow["path"][layer], colours)
        drawn = _density(row[-1], flow["density"], data["side"], highest)
        row[0].set_ylabel(f"{kind}\n{flow['nats'].mean():.2f} nats")
    for panel, above in zip(places[-1, :-2], places[-2], strict=False):
        panel.set_visible(False)
        above.tick_params(labelbottom=True)
    _scatter(places[-1, -2], data["points"], "0.3")
    _density(places[-1, -1], data["density"], data["side"], highest)
    named = places[-1, -2].text(
        -0.1,
        0.5,
        f"data\n{data['nats'].mean():.2f} nats",
        transform=places[-1, -2].transAxes,
        rotation=90,
        ha="right",
        va="center",
        multialignment="center",
    )
    named.set_in_layout(False)  # there is room, as no panel is to the left
    for panel, title in zip(places[0], _titles(shown), strict=True):
        panel.set_title(title)
    for panel in places.flatten():
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=(-2, 0, 2), yticks=(-2, 0, 2))
        panel.set_box_aspect(1)
    figure.colorbar(drawn, ax=places[:, -1], label="density", shrink=0.3)
    return Drawing(figure, _sentences(flows, data))


def _titles(shown: list[int]) -> list[str]:
    middle = [f"after {layer} layers" for layer in shown[1:-1]]
    return ["noise", *middle, f"after all {shown[-1]}", "density"]


def _scatter(panel: Axes, points: Array, colours: Array | str) -> None:
    x, y = points.T
    panel.scatter(x, y, s=1, c=colours, linewidths=0, rasterized=True)


def _density(panel: Axes, logs: Array, side: Array, highest: float) -> QuadMesh:
    return panel.pcolormesh(
        side, side, np.exp(logs), cmap="gray_r", vmin=0, vmax=highest, rasterized=True
    )


def _sentences(flows: Mapping[str, Mapping[str, Array]], data: Mapping[str, Array]) -> list[str]:
    """Say how far each flow's mean of −log p is from the entropy of the data."""
    lost = {kind: flow["nats"] - data["nats"] for kind, flow in flows.items()}
    ranked = sorted(lost, key=lambda kind: float(lost[kind].mean()))
    each = ", ".join(
        f"{kind} {lost[kind].mean():.3f} ± {lost[kind].std() / len(lost[kind]) ** 0.5:.3f}"
        for kind in ranked
    )
    return [
        f"Divergence of the flow from the data, in nats, as the mean of log p − log q over "
        f"{len(data['nats']):,} new points with its standard error: {each}. The entropy of the "
        f"data is {data['nats'].mean():.2f} nats."
    ]
