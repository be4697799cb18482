"""Autoencoders and latent generative models over their full hyperparameter grids, reproducibly.

`load` a trained run, list `runs`, or fit a model to an array: `VAE`, `PCA` and so on, a class for
each model, as scikit-learn's estimators are (docs/python.md). They are imported when first used, as
torch takes seconds: the Snakefile and the commands import this package too.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentgrid.api.estimators import estimator
    from latentgrid.api.runs import Run, load, runs

__all__ = ["Run", "estimator", "load", "runs"]
OFFERED = {"Run": "runs", "estimator": "estimators", "load": "runs", "runs": "runs"}


def __getattr__(name: str) -> Any:
    if name in OFFERED:
        return getattr(importlib.import_module(f"{__name__}.api.{OFFERED[name]}"), name)
    if name[0].isupper():
        return importlib.import_module(f"{__name__}.api.estimators").called(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    classes = importlib.import_module(f"{__name__}.api.estimators").class_names()
    return sorted({*globals(), *__all__, *classes})
