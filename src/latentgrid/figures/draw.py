"""Draws a figure by the name of its file."""

import importlib
import traceback
from dataclasses import replace

from matplotlib.figure import Figure

from latentgrid.errors import UserError
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import images_like
from latentgrid.grid import components


def draw_figure(name: str, results: Results) -> Drawing:
    """Draw a figure, and add to its sentences by which measures its best runs were chosen.

    A figure that raises an error, or returns no `Drawing`, becomes a missing one with a reason; the
    log has the traceback.
    """
    try:
        module = importlib.import_module(components.module_of("figures", name))
        with images_like(results.first_test_images):
            drawing = _checked(module.draw(results))
    except UserError:
        raise
    except Exception as error:  # whatever a figure raises, the report is made without it
        traceback.print_exc()
        return nothing(f"It failed: {type(error).__name__}: {error}".partition("\n")[0])
    if drawing.missing:
        return drawing
    return replace(drawing, seen=[*drawing.seen, *results.how_chosen()])


def _checked(drawing: object) -> Drawing:
    if not isinstance(drawing, Drawing):
        raise TypeError(f"draw() must return a Drawing, not {type(drawing).__name__}")
    for figure in (drawing.figure, *drawing.frames):
        if not isinstance(figure, Figure):
            raise TypeError(f"a Drawing has figures of matplotlib, not {type(figure).__name__}")
    # A text is a sequence of texts too, its letters.
    if not isinstance(drawing.seen, list) or not all(isinstance(s, str) for s in drawing.seen):
        raise TypeError(f"Drawing.seen must be a list of sentences, not {drawing.seen!r}")
    return drawing
