"""The contract of an experiment (`latentgrid.experiments`)."""

import importlib

import torch

from latentgrid.contracts import require
from latentgrid.grid import components


def run_gives_the_same_tensors_each_time(name: str) -> None:
    """`run` gives finite tensors by name, the same at each call."""
    experiment = importlib.import_module(components.module_of("experiments", name))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = experiment.run()
        torch.manual_seed(2)
        second = experiment.run()
    require(isinstance(first, dict) and bool(first), "run() must return tensors by name")
    for key, tensor in first.items():
        require(isinstance(tensor, torch.Tensor), f"run() gives {key}, which is no tensor")
        require(bool(tensor.isfinite().all()), f"run() gives {key} with values that are not finite")
        require(torch.equal(tensor, second[key]), f"run() gives another {key} at each call")


CHECKS = (run_gives_the_same_tensors_each_time,)
