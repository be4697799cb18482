"""Names the extra of pyproject.toml with which a library comes that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from latentgrid.errors import UserError

# The extra of each module that only a part of this package needs.
EXTRAS = {
    "bokeh": "report",
    "dvc": "workflow",
    "jinja2": "report",
    "latex2mathml": "report",
    "matplotlib": "report",
    "mlflow": "tracking",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "pygments": "report",
    "pynvml": "workflow",
    "shiny": "app",
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
        raise _missing(missing) from None


def require_installed(module: str) -> None:
    """Refuse to go on without a library of an extra that is going to be started as a program.

    Raises:
        UserError: it is not installed; the text names the extra.
    """
    if find_spec(module) is None:
        raise _missing(module)


def _missing(module: str) -> UserError:
    return UserError(f"{module}: is not installed; run pip install 'latentgrid[{EXTRAS[module]}]'")
