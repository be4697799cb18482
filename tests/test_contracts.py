"""Each component of the package on the contract of its kind, and that the contracts can fail."""

import importlib
from typing import ClassVar

import pytest
import torch

from latentgrid.contracts import models as contract
from latentgrid.grid import catalogue, components
from latentgrid.models import Model

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


class Normalised(Model):
    """Normalises over the batch, which in training must have more than one image."""

    terms: ClassVar = {"error": "per image"}
    loss_description: ClassVar = "error"

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.BatchNorm1d(784)

    def losses(self, batch, generator):
        return {"error": self.layer(batch.images.flatten(1)).square().sum(dim=1)}


def test_a_model_that_normalises_over_the_batch_is_sound(monkeypatch):
    monkeypatch.setattr(contract, "build_untrained", lambda name: Normalised())
    contract.batch_loss_sums_or_averages_the_loss("normalised")
