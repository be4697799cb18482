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
                # An experiment takes seconds; MNIST is loaded from a mirror in test_data.py.
                if not reads_an_experiment(kind, name) and not loads_mnist(check, name):
                    yield pytest.param(check, name, id=f"{name}-{check.__name__}", marks=marks)


def reads_an_experiment(kind, name):
    reads = catalogue.figure(name).reads if kind == "figures" else ()
    return any(read.startswith("experiments/") for read in reads)


def loads_mnist(check, name):
    return name == "mnist" and check.__name__.startswith("load")


@pytest.mark.parametrize(("check", "name"), list(checks()))
def test_contract(check, name):
    check(name)
