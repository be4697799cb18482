"""Labels of runs, axes and their values, and shares as percentages, for people."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from latentgrid.text import beside, labelled, signed


def setting_label(run: pd.Series, axes: Sequence[str]) -> str:
    """Name a run by its values on the axes: "d = 20, adam, lr 0.0001"."""
    return ", ".join(labelled(axis, plain(run[axis])) for axis in axes if pd.notna(run[axis]))


def axis_label(axis: str) -> str:
    """Return the label of an axis: "latent dimension" for latent_dim."""
    return {"latent_dim": "latent dimension"}.get(axis, axis.replace("_", " "))


def plain(value: Any) -> str:
    """Return an axis's value as text: numbers without a needless decimal point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def percent(share: float, digits: int = 0) -> str:
    """Return a share as a percentage with so many decimals: "13 %" for 0.13."""
    return f"{signed(100 * share, digits)} %"


def percent_beside(share: float, limit: float, digits: int = 0) -> str:
    """Return a share as `percent`, with more decimals if it would round to a limit (`beside`)."""
    return f"{beside(100 * share, [100 * limit], digits)} %"
