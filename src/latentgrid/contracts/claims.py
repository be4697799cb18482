"""The contract of a claim (`latentgrid.verdicts.claims`)."""

import importlib

import pandas as pd

from latentgrid.contracts import require, sample
from latentgrid.grid import components
from latentgrid.results.tables import read_runs

COLUMNS = ("model", "entry", "seed", "planned_epochs", "latent_dim")


def says_what_and_where(name: str) -> None:
    """`CLAIM` is a sentence, and `SOURCE` says where it stands."""
    claim = importlib.import_module(components.module_of("claims", name))
    require(str(claim.CLAIM).endswith("."), "CLAIM must be a sentence, which ends with a full stop")
    require(bool(claim.SOURCE), "SOURCE must say where the claim stands")


def can_do_without_runs(name: str) -> None:
    """`examine` yields its parts also without any runs, with effects that have no values."""
    claim = importlib.import_module(components.module_of("claims", name))
    parts = list(claim.examine(pd.DataFrame(columns=list(COLUMNS))))
    require(bool(parts), "examine() must yield a part for each comparison, also without runs")
    require(not any(part.effect.values for part in parts), "examine() has values without runs")
    with sample.results():
        list(claim.examine(read_runs(sample.LAYOUT)))


CHECKS = (says_what_and_where, can_do_without_runs)
