"""Bokeh plots of latent codes that show the image of the point under the mouse.

Bokeh's script becomes part of the page.
"""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from bokeh.embed import components
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    HoverTool,
    IndexFilter,
    Legend,
    LegendItem,
    Pane,
)
from bokeh.plotting import figure
from bokeh.resources import Resources
from PIL import Image

from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import is_on_black, two_dimensions
from latentgrid.results.trained import Array, TestSet

IMAGES = 2000
MAX_AT_ONCE = 3  # the number of images shown where codes overlap
GRID = {
    "display": "grid",
    "grid-template-columns": "repeat(auto-fill, minmax(min(100%, 17rem), 1fr))",
    "gap": "1rem",
}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Of ten classes each, whose colours are the same; as in the figures, where Bokeh has such a mark.
MARKERS = ("circle", "triangle", "square", "diamond", "inverted_triangle", "plus", "star", "hex")
PIXELS = 84  # the side of the shown image
OF_CLASS = "class <b>@label</b><br>"
TOOLTIP = f"""
<div style="display: flex; gap: 8px; align-items: center">
  <img src="@image" width="{PIXELS}" height="{PIXELS}" style="image-rendering: pixelated" alt="">
  <div>{OF_CLASS}test image @row</div>
</div>
"""


@dataclass(frozen=True)
class Interactive:
    """The parts of a page that show the plots; all empty if there are no plots.

    Attributes:
        library: Bokeh's own script elements.
        script: the JavaScript, without its element, that draws the plots into the place.
        place: the element that the plots fill.
    """

    library: str
    script: str
    place: str


def plot_latent(results: Results) -> Interactive:
    """Draw a plot for each run of the figure `latent`.

    The plots share the images; a click on a class hides it in all of them.
    """
    shown = results.latent_runs()
    if not shown:
        return Interactive("", "", "")
    test = results.test.first(IMAGES)
    # White strokes on black are shown dark on white, as in the other figures.
    pictures = 255 - test.images if is_on_black(test.images) else test.images
    uris = [*map(_data_uri, pictures)]
    names = [*map(test.name_of, test.labels)]
    columns = {"image": uris, "label": names, "row": np.arange(len(uris))}
    for place, (_, codes) in enumerate(shown):
        plane = two_dimensions(codes[:IMAGES]).astype(np.float32)
        columns |= {f"x{place}": plane[:, 0], f"y{place}": plane[:, 1]}
    plots = [_plot(results.label(run).replace("\n", ": ")) for run, _ in shown]
    _add_classes(plots, ColumnDataSource(columns), test)
    script, place = components(Pane(elements=plots, styles=GRID), False)
    # Bokeh gives its elements random names, which would differ at each call.
    for number, drawn in enumerate(dict.fromkeys(UUID.findall(place + script))):
        script, place = (text.replace(drawn, f"plots-{number}") for text in (script, place))
    library = Resources(mode="inline", components=["bokeh"]).render_js()
    return Interactive(library, script, place)


def _plot(title: str) -> figure:
    plot = figure(
        title=title,
        sizing_mode="stretch_width",
        aspect_ratio=0.85,
        tools="box_zoom,reset",
        active_drag=None,  # a finger that moves over a plot scrolls the page
        toolbar_location="below",
        min_border=0,
    )
    plot.toolbar.logo = None
    return plot


def _add_classes(plots: list[figure], source: ColumnDataSource, test: TestSet) -> None:
    """Draw each class in each plot; a click on it in one legend hides it in all plots.

    Images without classes have no legend.
    """
    items = []
    for label in np.unique(test.labels):
        view = CDSView(filter=IndexFilter(indices=np.flatnonzero(test.labels == label).tolist()))
        drawn = [
            plot.scatter(
                f"x{place}",
                f"y{place}",
                source=source,
                view=view,
                size=7,
                marker=MARKERS[label // len(PALETTE) % len(MARKERS)],
                fill_color=PALETTE[label % len(PALETTE)],
                line_color=None,
                hover_line_color="black",
            )
            for place, plot in enumerate(plots)
        ]
        items.append((test.name_of(label), drawn))
    for plot in plots:
        if test.has_classes:
            plot.add_layout(_legend(items), "above")
        plot.add_tools(HoverTool(tooltips=_tooltip(test), limit=MAX_AT_ONCE))


def _legend(items: list[tuple[str, list[Any]]]) -> Legend:
    return Legend(
        items=[LegendItem(label=label, renderers=drawn) for label, drawn in items],
        click_policy="hide",
        orientation="horizontal",
        ncols=5,
        spacing=2,
        padding=0,
        margin=0,
        border_line_color=None,
    )


def _tooltip(test: TestSet) -> str:
    return TOOLTIP if test.has_classes else TOOLTIP.replace(OF_CLASS, "")


def _data_uri(image: Array) -> str:
    """Return an image (c, h, w), uint8, as the data URI of a PNG."""
    written = BytesIO()
    picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
    picture.save(written, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
