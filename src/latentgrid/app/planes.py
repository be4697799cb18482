"""Planes of the space of codes: test codes in it, and the code of each of its points."""

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from htmltools import Tag, tags
from shiny.render.renderer import Jsonifiable, Renderer

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.errors import UserError
from latentgrid.figures.palette import PALETTE
from latentgrid.results.trained import TestSet

PRINCIPAL = ("principal axis 1", "principal axis 2")
INNER = (
    0.2,
    99.8,
)  # percentiles of the codes that a plane shows, so that one far off sets no scale
MARGIN = 0.06  # of the width
PLANE = 2


@dataclass(frozen=True)
class Plane:
    """What a plane shows.

    Attributes:
        points: of test images, (n, 2).
        labels: their classes, (n,).
        names: of the classes.
        limits: left, right, bottom and top.
        axes: the names of both.
        about: what is to be seen, for those who do not see it.
        marks: points that stand out, by what they are called.
        answers: whether a click or a drag is asked for.
    """

    points: Array
    labels: Array
    names: list[str]
    limits: tuple[float, float, float, float]
    axes: tuple[str, str]
    about: str
    marks: dict[str, tuple[float, float]] = field(default_factory=dict)
    answers: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as `static/explorer.js` reads it; points are float32, classes bytes, base64."""
        return {
            "points": _base64(self.points.astype("<f4")),
            "labels": _base64(self.labels.astype(np.uint8)),
            "names": self.names,
            "colours": list(PALETTE),
            "limits": list(self.limits),
            "axes": list(self.axes),
            "about": self.about,
            "marks": self.marks,
            "answers": self.answers,
        }


class render_plane(Renderer[Plane]):  # noqa: N801 - Shiny's renderers are decorators
    """Shows the plane that a function returns in the place made by `plane_place`."""

    async def transform(self, value: Plane) -> Jsonifiable:
        """Return the plane as JSON."""
        return value.as_json()


def plane_place(name: str) -> Tag:
    """Return the place of a plane.

    Where it answers, a click or a drag sets the input `<name>_point` to [x, y]; a mouse over a
    point sets `<name>_over` to its number.
    """
    return tags.div(id=name, class_="latent-plane shiny-custom-output", aria_live="off")


@dataclass(frozen=True)
class Axes:
    """Two directions in the space of codes.

    Attributes:
        rows: (2, d); of unit length, and not parallel.
    """

    rows: Array

    def project(self, codes: Array) -> Array:
        """Map codes (n, d) to the plane, (n, 2)."""
        points: Array = codes @ self.rows.T
        return points

    def lift(self, point: tuple[float, float], code: Array) -> Array:
        """Return the code nearest to a given one (d,) that lies at a point of the plane."""
        missing = np.asarray(point) - self.rows @ code
        lifted: Array = code + np.linalg.pinv(self.rows) @ missing
        return lifted.astype(np.float32)


def axis_names(latent_dim: int) -> list[str]:
    """Return the names of the axes to choose from; the first two are those to begin with."""
    own = [f"z{d + 1}" for d in range(latent_dim)]
    return own if latent_dim <= PLANE else [*PRINCIPAL, *own]


def axes_of(names: tuple[str, str], codes: Array) -> Axes:
    """Return the axes of these names.

    Raises:
        UserError: both are the same.
    """
    if names[0] == names[1] and codes.shape[1] > 1:
        raise UserError("both axes are the same; choose another for one of them")
    if codes.shape[1] == 1:
        return Axes(np.array([[1.0], [0.0]]))
    principal = _principal(codes) if set(names) & set(PRINCIPAL) else ()
    known = {**dict(zip(PRINCIPAL, principal, strict=False))}
    known |= {f"z{d + 1}": row for d, row in enumerate(np.eye(codes.shape[1]))}
    return Axes(np.stack([known[name] for name in names]))


def _principal(codes: Array) -> Array:
    """Return the two directions in which codes (n, d) vary most, (2, d)."""
    _, directions = np.linalg.eigh(np.cov(codes, rowvar=False))  # by ascending variance
    found: Array = directions[:, : -1 - PLANE : -1].T
    return found


def limits_of(points: Array) -> tuple[float, float, float, float]:
    """Return the left, right, bottom and top between which nearly all points (n, 2) lie."""
    low, high = np.percentile(points, INNER, axis=0)
    margin = MARGIN * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


@lru_cache(maxsize=16)
def test_codes(run: Run) -> Array:
    """Return the codes of all test images (n, d) after the last epoch.

    Raises:
        UserError: the model does not encode.
    """
    if "encode" not in run.abilities:
        raise UserError(
            f"there is no plane of codes: {run.settings['model']} does not encode images"
        )
    codes: Array = run.snapshot(run.epochs[-1])["codes"]
    return codes


def class_names(test: TestSet) -> list[str]:
    """Return the name of each class, by its number; none where images have no classes."""
    if not test.has_classes:
        return []
    return [test.name_of(label) for label in range(int(test.labels.max(initial=0)) + 1)]


def _base64(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
