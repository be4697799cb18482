"""Each component of the package on the contract of its kind, and that the contracts can fail."""

import importlib

import pytest

from latentgrid.grid import catalogue, components

SHARING = {"measures", "figures", "claims"}


def checks():
    for kind in components.KINDS:
        for check in importlib.import_module(f"latentgrid.contracts.{kind}").CHECKS:
            for name in components.names(kind):
                marks = [pytest.mark.slow] * (kind == "experiments")
                # They share small results.
                marks += [pytest.mark.xdist_group("sample")] * (kind in SHARING)
                # An experiment takes seconds; test_figures_experiments.py draws what it gives.
                if not (kind == "figures" and reads_an_experiment(name)):
                    yield pytest.param(check, name, id=f"{name}-{check.__name__}", marks=marks)


def reads_an_experiment(figure):
    return any(read.startswith("experiments/") for read in catalogue.figure(figure).reads)


@pytest.mark.parametrize(("check", "name"), list(checks()))
def test_contract(check, name):
    if name == "mnist" and check.__name__.startswith("load"):
        pytest.skip("test_data.py loads it from a mirror")
    check(name)
