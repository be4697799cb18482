"""Each component of the package on the contract of its kind, and that the contracts can fail."""

import importlib

import pytest

from latentgrid.grid import catalogue, components


def checks():
    for kind in components.KINDS:
        for check in importlib.import_module(f"latentgrid.contracts.{kind}").CHECKS:
            for name in components.names(kind):
                yield pytest.param(
                    check,
                    name,
                    id=f"{kind}-{name}-{check.__name__}",
                    marks=[pytest.mark.slow] * is_slow(kind, name)
                    + [pytest.mark.xdist_group(kind)] * (kind in {"measures", "figures", "claims"}),
                )


def is_slow(kind, name):
    reads = catalogue.figure(name).reads if kind == "figures" else ()
    return kind == "experiments" or any(read.startswith("experiments/") for read in reads)


@pytest.mark.parametrize(("check", "name"), list(checks()))
def test_contract(check, name):
    if name == "mnist" and check.__name__.startswith("load"):
        pytest.skip("test_data.py loads it from a mirror")
    check(name)
