"""The space of codes: test images in a plane of it, and what the decoder makes of each point."""

import numpy as np
from htmltools import Tag, TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, req, ui

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.app.controls import beside, chooser, counted, dimension_sliders, live
from latentgrid.app.pictures import picture
from latentgrid.app.planes import (
    Axes,
    Plane,
    axes_of,
    axis_names,
    class_names,
    limits_of,
    plane_place,
    render_plane,
    test_codes,
)
from latentgrid.app.visit import SIDES, Visit, or_why_not
from latentgrid.errors import UserError
from latentgrid.results.trained import TestSet

TITLE = "Latent plane"
ABOUT = (
    "Each dot is a test image's code. Click or drag anywhere, or use the arrow keys on the plane: "
    "the decoder draws that point. The sliders move the code along each of its dimensions."
)
INNER = (1, 99)  # percentiles of the test codes between which a slider moves
SHOWN = 6  # numbers of a code
UNSEEN = 3.0  # how far the sliders move where no image has a code


def content() -> TagList:
    """Return the number of the test image to begin with, and the places."""
    begin = counted("plane_from", "Begin at test image", 0)
    return TagList(tags.div(begin, class_="controls"), beside(_panel))


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    for side in SIDES:
        _serve_side(side, visit, inputs, session)


def _panel(side: str) -> TagList:
    return TagList(
        ui.output_ui(f"plane_{side}_axes"),
        plane_place(f"plane_{side}"),
        live(ui.output_ui(f"plane_{side}_decoded", class_="row-of-figures")),
        ui.output_ui(f"plane_{side}_over", class_="row-of-figures"),
        ui.output_ui(f"plane_{side}_dimensions"),
    )


def _serve_side(side: str, visit: Visit, inputs: Inputs, session: Session) -> None:
    name = f"plane_{side}"
    code = reactive.Value[Array](np.zeros(0, np.float32))

    @reactive.calc
    def axes() -> Axes:
        run = visit.run_or_stop(side)
        names = (inputs[f"{name}_across"](), inputs[f"{name}_up"]())
        req(set(names) <= set(axis_names(run.latent_dim or 0)))
        return axes_of(names, test_codes(run))

    @reactive.effect
    @reactive.event(lambda: (visit.run_or_stop(side), inputs.plane_from()))
    def _() -> None:
        """Begin at the code of a test image, or in the middle where no image has a code."""
        run = visit.run_or_stop(side)
        req(run.latent_dim)
        if "encode" in run.abilities:
            begin = run.encode(visit.test_image(inputs.plane_from() or 0))[0]
        else:
            begin = np.zeros(run.latent_dim, np.float32)
        code.set(begin)

    @reactive.effect
    @reactive.event(inputs[f"{name}_point"])
    def _() -> None:
        x, y = inputs[f"{name}_point"]()
        code.set(axes().lift((x, y), code()))

    @reactive.effect
    @reactive.event(inputs[f"{name}_sliders"])
    def _() -> None:
        dimension, value = inputs[f"{name}_sliders"]()
        moved = code().copy()
        moved[int(dimension)] = value
        code.set(moved)

    @reactive.effect
    async def _() -> None:
        values = [float(value) for value in code()]
        await session.send_custom_message("code", {"of": f"{name}_sliders", "values": values})
        try:
            x, y = axes().project(code())
        except UserError:
            return
        await session.send_custom_message("point", {"of": name, "x": float(x), "y": float(y)})

    @session.output(id=f"{name}_axes")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        if run is None:
            return None
        test_codes(run)
        names = axis_names(run.latent_dim or 0)
        across = chooser(f"{name}_across", "Across", names, names[0])
        up = chooser(f"{name}_up", "Up", names, names[min(1, len(names) - 1)])
        return tags.div(across, up, class_="controls")

    @session.output(id=name)
    @render_plane
    def _() -> Plane:
        run, test = visit.run_or_stop(side), visit.test_set()
        points = axes().project(test_codes(run))
        names = (inputs[f"{name}_across"](), inputs[f"{name}_up"]())
        return Plane(
            points=points,
            labels=test.labels,
            names=class_names(test),
            limits=limits_of(points),
            axes=names,
            about=f"The codes of {len(points):,} test images, coloured by class",
            answers="decode" in run.abilities,
        )

    @session.output(id=f"{name}_decoded")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        if run is None or run.latent_dim is None or len(code()) != run.latent_dim:
            return None
        return TagList(_decoded(run, code()), _nearest(run, code(), visit.test_set()))

    @session.output(id=f"{name}_over")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        index = inputs[f"{name}_over"]()
        return None if run is None else _over(run, int(index), visit.test_set())

    @session.output(id=f"{name}_dimensions")
    @render.ui
    def _() -> TagChild:
        run = visit.run_or_stop(side)
        if run.latent_dim is None or "decode" not in run.abilities:
            return None
        low, high = _range(run)
        return dimension_sliders(f"{name}_sliders", low.tolist(), high.tolist())


def _decoded(run: Run, code: Array) -> TagChild:
    if "decode" not in run.abilities:
        return tags.p(f"{run.settings['model']} places images and makes none.")
    values = ", ".join(f"{value:.2f}" for value in code[:SHOWN])
    more = ", …" if len(code) > SHOWN else ""
    image = picture(run.decode(code[None]), "What the decoder makes of this code", 1, "one")
    return tags.figure(image, tags.figcaption(f"decoded z = ({values}{more})"))


def _nearest(run: Run, code: Array, test: TestSet) -> TagChild:
    if "encode" not in run.abilities:
        return None
    index = int(np.square(test_codes(run) - code).sum(axis=1).argmin())
    return _test_image(index, test, "nearest test image")


def _over(run: Run, index: int, test: TestSet) -> TagChild:
    if not 0 <= index < len(test.images):
        return None
    found = TagList(_test_image(index, test, "test image"))
    if "reconstruct" in run.abilities:
        again = picture(run.reconstruct(test.images[index][None]), "Its reconstruction", 1, "one")
        found.append(tags.figure(again, tags.figcaption("reconstructed")))
    return found


def _test_image(index: int, test: TestSet, what: str) -> Tag:
    label = test.name_of(int(test.labels[index]))
    image = picture(test.images[index][None], f"Test image {index}, class {label}", 1, "one")
    return tags.figure(image, tags.figcaption(f"{what} {index}, class {label}"))


def _range(run: Run) -> tuple[Array, Array]:
    """Return how far each slider goes down and up, (d,) each."""
    if "encode" not in run.abilities:
        return np.full(run.latent_dim or 0, -UNSEEN), np.full(run.latent_dim or 0, UNSEEN)
    low, high = np.percentile(test_codes(run), INNER, axis=0)
    return low, np.maximum(high, low + 1e-3)
