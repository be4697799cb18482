"""The space of codes: test images in a plane of it, and what the decoder makes of each point."""

import numpy as np
from htmltools import Tag, TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, req
from shiny.types import SilentException

from latentgrid.api.images import Array, as_count
from latentgrid.api.runs import Run
from latentgrid.app.controls import chooser, counted, dimension_sliders, place, spoken_place
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
from latentgrid.app.sides import beside, serve_names
from latentgrid.app.visit import SIDES, Visit, or_stop, or_why_not
from latentgrid.results.trained import TestSet
from latentgrid.text import signed

TITLE = "Latent plane"
ABOUT = (
    "Each dot is a test image's code. Click or drag anywhere, or use the arrow keys on the plane: "
    "the decoder draws that point. The sliders move the code along each of its dimensions."
)
INNER = (1, 99)  # percentiles of the test codes between which a slider moves
FAR = 1e30  # no code is as far away
SHOWN = 6  # numbers of a code
UNSEEN = 3.0  # how far the sliders move where no image has a code


def content() -> TagList:
    """Return the number of the test image to begin with, and the places."""
    begin = counted("plane_from", "Begin at test image", 0)
    return TagList(tags.div(begin, class_="controls"), beside("plane", _panel))


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    serve_names("plane", visit, session)
    for side in SIDES:
        _serve_side(side, visit, inputs, session)


def _panel(side: str) -> TagList:
    return TagList(
        tags.div(
            tags.div(
                place(f"plane_{side}_axes"),
                spoken_place(f"plane_{side}_wrong"),
                plane_place(f"plane_{side}"),
            ),
            tags.div(
                spoken_place(f"plane_{side}_decoded", "row-of-figures"),
                place(f"plane_{side}_dimensions"),
                place(f"plane_{side}_over", "row-of-figures"),
            ),
            class_="columns",
        ),
    )


class _Point:
    """The code that one side shows, and the plane in which it lies."""

    def __init__(self, side: str, visit: Visit, inputs: Inputs) -> None:
        self.name = f"plane_{side}"
        self.code = reactive.Value[Array](np.zeros(0, np.float32))
        self.axes = reactive.calc(self._axes)
        self._side, self._visit, self._inputs = side, visit, inputs

    def run(self) -> Run:
        """Return the run of the side, or let the function that reads it show nothing."""
        return self._visit.run_or_stop(self._side)

    def axis_names(self) -> tuple[str, str]:
        """Return the names of the chosen axes."""
        names = (self._inputs[f"{self.name}_across"](), self._inputs[f"{self.name}_up"]())
        req(set(names) <= set(axis_names(self.run().latent_dim or 0)))
        return names

    def begin(self, image: Array) -> None:
        """Go to the code of an image, or to the middle where no image has a code."""
        run = self.run()
        if "encode" in run.abilities:
            self.code.set(run.encode(image)[0])
        elif run.latent_dim is not None:
            self.code.set(np.zeros(run.latent_dim, np.float32))

    def here(self) -> Array:
        """Return the code, or stop as long as it is one of a run shown before."""
        code = self.code()
        req(len(code) == self.run().latent_dim)
        return code

    def move_to(self, asked: object) -> None:
        """Go to the code nearest to here that lies at a point [x, y] of the plane."""
        x, y = _two_numbers(asked)
        self.code.set(self.axes().lift((x, y), self.here()))

    def move_along(self, asked: object) -> None:
        """Set one number of the code, asked for as [dimension, value]."""
        dimension, value = _two_numbers(asked)
        moved = self.here().copy()
        req(dimension in range(len(moved)))
        moved[int(dimension)] = value
        self.code.set(moved)

    def _axes(self) -> Axes:
        with or_stop():
            codes = test_codes(self.run())
        return axes_of(self.axis_names(), codes)


def _serve_side(side: str, visit: Visit, inputs: Inputs, session: Session) -> None:
    point = _Point(side, visit, inputs)
    _obey(point, visit, inputs)
    _show_place(point, session)
    _show_plane(point, side, visit, inputs, session)
    _show_images(point, visit, inputs, session)


def _obey(point: _Point, visit: Visit, inputs: Inputs) -> None:
    """Move the point as the visitor asks."""

    @reactive.effect
    @reactive.event(lambda: (point.run(), inputs.plane_from()))
    @or_stop()
    def _() -> None:
        point.begin(visit.test_image(inputs.plane_from()))

    @reactive.effect
    @reactive.event(inputs[f"{point.name}_point"])
    @or_stop()
    def _() -> None:
        point.move_to(inputs[f"{point.name}_point"]())

    @reactive.effect
    @reactive.event(inputs[f"{point.name}_sliders"])
    def _() -> None:
        point.move_along(inputs[f"{point.name}_sliders"]())


def _show_place(point: _Point, session: Session) -> None:
    """Set the sliders and the mark in the plane to where the point is."""

    @reactive.effect
    async def _() -> None:
        values = [float(value) for value in point.code()]
        await session.send_custom_message("code", {"of": f"{point.name}_sliders", "values": values})

    @reactive.effect
    async def _() -> None:
        with or_stop():
            x, y = point.axes().project(point.here())
        await session.send_custom_message("point", {"of": point.name, "x": float(x), "y": float(y)})


def _show_plane(point: _Point, side: str, visit: Visit, inputs: Inputs, session: Session) -> None:
    @session.output(id=f"{point.name}_axes")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        if run is None:
            return None
        test_codes(run)
        names = axis_names(run.latent_dim or 0)
        across = chooser(f"{point.name}_across", "Across", names, names[0])
        up = chooser(f"{point.name}_up", "Up", names, names[min(1, len(names) - 1)])
        return tags.div(across, up, class_="controls")

    @session.output(id=f"{point.name}_wrong")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        visit.test_image(inputs.plane_from())
        point.axes()
        return None

    @session.output(id=point.name)
    @render_plane
    def _() -> Plane:
        run = point.run()
        with or_stop():
            test = visit.test_set()
            points = point.axes().project(test_codes(run))
        return Plane(
            points=points,
            labels=test.labels,
            names=class_names(test),
            limits=limits_of(points),
            axes=point.axis_names(),
            about=f"The codes of {len(points):,} test images, coloured by class",
            answers="decode" in run.abilities,
        )


def _show_images(point: _Point, visit: Visit, inputs: Inputs, session: Session) -> None:
    @session.output(id=f"{point.name}_decoded")
    @render.ui
    def _() -> TagChild:
        run, code = point.run(), point.here()
        with or_stop():
            test = visit.test_set()
        return TagList(_decoded(run, code), _nearest(run, code, test))

    @session.output(id=f"{point.name}_over")
    @render.ui
    @or_stop()
    def _() -> TagChild:
        index = as_count("test image", inputs[f"{point.name}_over"](), 0)
        return _over(point.run(), index, visit.test_set())

    @session.output(id=f"{point.name}_dimensions")
    @render.ui
    def _() -> TagChild:
        run = point.run()
        req(run.latent_dim and "decode" in run.abilities)
        low, high = _range(run)
        return dimension_sliders(f"{point.name}_sliders", low.tolist(), high.tolist())


def _two_numbers(asked: object) -> tuple[float, float]:
    """Return what a page asks for if it is two numbers; else stop."""
    match asked:
        case [int() | float() as first, int() | float() as second]:
            req(all(-FAR < number < FAR for number in (first, second)))
            return first, second
    raise SilentException


def _decoded(run: Run, code: Array) -> TagChild:
    if "decode" not in run.abilities:
        if "encode" not in run.abilities:
            return None
        return tags.p(f"{run.settings['model']} places images and makes none.")
    values = ", ".join(signed(value, 2) for value in code[:SHOWN])
    more = ", …" if len(code) > SHOWN else ""
    image = picture(run.decode(code[None]), "What the decoder makes of this code", 1, "one")
    return tags.figure(image, tags.figcaption(f"decoded z = ({values}{more})"))


def _nearest(run: Run, code: Array, test: TestSet) -> TagChild:
    if "encode" not in run.abilities:
        return None
    index = int(np.square(test_codes(run) - code).sum(axis=1).argmin())
    return _test_image(index, test, "nearest test image")


def _over(run: Run, index: int, test: TestSet) -> TagChild:
    if index >= len(test.images):
        return None
    found = TagList(_test_image(index, test, "test image"))
    if "reconstruct" in run.abilities:
        again = picture(run.reconstruct(test.images[index][None]), "Its reconstruction", 1, "one")
        found.append(tags.figure(again, tags.figcaption("reconstructed")))
    return found


def _test_image(index: int, test: TestSet, what: str) -> Tag:
    of_class = f", class {test.name_of(int(test.labels[index]))}" if test.has_classes else ""
    image = picture(test.images[index][None], f"Test image {index}{of_class}", 1, "one")
    return tags.figure(image, tags.figcaption(f"{what} {index}{of_class}"))


def _range(run: Run) -> tuple[Array, Array]:
    """Return how far each slider goes down and up, (d,) each."""
    if "encode" not in run.abilities:
        return np.full(run.latent_dim or 0, -UNSEEN), np.full(run.latent_dim or 0, UNSEEN)
    low, high = np.percentile(test_codes(run), INNER, axis=0)
    return low, np.maximum(high, low + 1e-3)
