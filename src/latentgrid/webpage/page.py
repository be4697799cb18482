"""Writes the page of a run: what it says in words, its arrays, its decoder and what runs it."""

import base64
import gzip
import json
from importlib.metadata import version
from importlib.resources import files
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from latentgrid.api import abilities
from latentgrid.api.export import TRIED, export_decoder
from latentgrid.api.runs import DATASET, PROJECT, Run
from latentgrid.errors import UserError
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.style import is_on_black
from latentgrid.files.atomic import write_text
from latentgrid.grid import catalogue
from latentgrid.results.labels import axis_label
from latentgrid.text import number
from latentgrid.webpage.codes import SEED, Draws, Points, draws_of, points_of

Array = np.ndarray[Any, Any]
RUNTIME = files("latentgrid.webpage") / "onnxruntime_web"
WHITE = 255
MODULE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
TITLES = {"mnist": "MNIST", "digits": "scikit-learn’s digits"}
MEASURES = {
    "test_squared_error": (
        "squared error",
        "between a test image and its reconstruction, summed over the pixels; 0 is perfect",
    ),
    "importance_bound": (
        "bound on log p(x)",
        "nats: how likely the model finds a test image, at least; more is better",
    ),
    "silhouette": (
        "silhouette",
        "how far apart the codes of different classes lie: 1 at best, −1 at worst",
    ),
    "active_units": ("active dimensions", "dimensions of the code that the encoder uses"),
    "sample_confidence": (
        "sample confidence",
        "how sure a classifier is of what new images show: 1 at best",
    ),
    "sample_classes": ("sample classes", "how many classes it sees among new images"),
}
# The error of a model that removes damage is measured on damaged images.
OF_DAMAGED = (
    "squared error",
    "between a test image and what is made of it damaged, summed over the pixels; 0 is perfect",
)


def default_name(run: Path) -> str:
    """Return the name of the page of a run's folder: its entry, settings and seed."""
    return "_".join(run.absolute().parts[-3:]).replace(",", "_").replace("=", "-") + ".html"


def write_page(run: Run, path: Path) -> float:
    """Write the page of a run. The same run gives the same page.

    Returns:
        How far ONNX Runtime's images are from ours at most, over the largest value of ours.

    Raises:
        UserError: the model does not decode codes or has no ONNX form, the run was not measured, or
            its data set is not where it was.
    """
    if "decode" not in run.abilities:
        raise abilities.unable(run.model, "have a page, as it decodes no codes")
    name = _name(run)
    words = _words(run)
    draws = draws_of(run)
    points = points_of(run, draws)
    decoded = run.decode(points.codes[: points.choices])
    decoder, distance = _decoder(run)
    environment = Environment(
        loader=PackageLoader("latentgrid", "webpage"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    page = environment.get_template("page.html.j2").render(
        **words,
        run=name,
        distance=ceil(distance * 1e7) / 1e7,
        tried=TRIED,
        latent_dim=run.latent_dim,
        draws=draws,
        seed=SEED,
        points=points,
        facts=_facts(run, points, decoded),
        packs=_packs(points, draws, decoded) | {"decoder": _packed(decoder)} | _runtime(),
        runtime=json.loads((RUNTIME / "package.json").read_text(encoding="utf-8")),
        licence=(RUNTIME / "LICENSE").read_text(encoding="utf-8"),
    )
    write_text(path, page)
    return distance


def _name(run: Run) -> Path:
    """Return results/<data set>/runs/<entry>/<settings>/seed=<n>, wherever that lies."""
    folder = run.path.absolute()
    if len(folder.parents) <= PROJECT:
        raise UserError(f"{folder}: lies in no results/<data set>/runs; name a run that does")
    return folder.relative_to(folder.parents[PROJECT])


def _decoder(run: Run) -> tuple[bytes, float]:
    """Return the decoder as ONNX, and how far ONNX Runtime's images are from ours."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "decoder.onnx"
        distance = export_decoder(run, file)
        return file.read_bytes(), distance


def _words(run: Run) -> dict[str, Any]:
    settings = run.settings
    dataset = run.path.absolute().parents[DATASET].name
    measures = run.measures
    explained = MEASURES | (
        {"test_squared_error": OF_DAMAGED} if "corrupt" in run.abilities else {}
    )
    return {
        "model": settings["model"],
        "summary": catalogue.description(settings["model"]),
        "dataset": dataset,
        "title": TITLES.get(dataset, dataset),
        "encodes": "encode" in run.abilities,
        "shape": run.image_shape,
        "closed_form": catalogue.is_closed_form(settings["model"]),
        "diverged": run.status == "diverged",
        "epochs": len(run.history),
        "settings": {
            axis_label(name): value for name, value in settings.items() if name != "model"
        },
        "measures": [
            (label, measures[name], about)
            for name, (label, about) in explained.items()
            if name in measures
        ],
        "version": version("latentgrid"),
    }


def _facts(run: Run, points: Points, decoded: Array) -> dict[str, Any]:
    """Return what the script of the page is told beside the arrays."""
    shown = points.images if points.images.size else (decoded.clip(0, 1) * WHITE).astype(np.uint8)
    return {
        "shape": run.image_shape,
        "latentDim": run.latent_dim,
        "strokes": bool(is_on_black(shown)),
        "classes": points.class_names,
        "colours": PALETTE,
        "choices": points.choices,
    }


def _packs(points: Points, draws: Draws, decoded: Array) -> dict[str, str]:
    """Return the arrays of the page, which its script finds by name."""
    return {
        "points": _packed(_as_bytes(points.codes, "<f4")),
        "labels": _packed(_as_bytes(points.labels, "u1")),
        "images": _packed(_as_bytes(points.images, "u1")),
        "draws": _packed(_as_bytes(draws.codes, "<f4")),
        "expected": _packed(_as_bytes(decoded[0], "<f4")),
    }


def _runtime() -> dict[str, str]:
    """Return ONNX Runtime Web, which lies here packed."""
    compressed = {"module": MODULE, "wasm": WASM}
    return {
        name: base64.b64encode((RUNTIME / f"{file}.gz").read_bytes()).decode()
        for name, file in compressed.items()
    }


def _as_bytes(values: Array, kind: str) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
