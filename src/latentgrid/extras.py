"""Names the extra of pyproject.toml with which a library comes that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from latentgrid.errors import UserError

# The extra of each module that only a part of this package needs.
EXTRAS = {
    "bokeh": "report",
    "jinja2": "report",
    "latex2mathml": "report",
    "matplotlib": "report",
    "mlflow": "tracking",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "pygments": "report",
    "pynvml": "workflow",
    "snakemake": "workflow",
    "umap": "report",
}


@contextmanager
def named_extras() -> Iterator[None]:
    """Say with which extra a missing library comes.

    Raises:
        UserError: a library of an extra was to be imported and is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        raise UserError(
            f"{missing}: is not installed; run pip install 'latentgrid[{EXTRAS[missing]}]'"
        ) from None
