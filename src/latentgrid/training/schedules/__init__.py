"""Schedules of the learning rate, one per file: each file has a function `factor`.

It gets how many epochs are done, a scalar tensor that grows from step to step and lies on the
device, and the number of all epochs; it returns what the learning rate is multiplied by, a scalar
tensor from 0 on. It may not look at the tensor's value, as it becomes part of a CUDA graph.
"""

import importlib
from collections.abc import Callable

from torch import Tensor

from latentgrid.grid import components

Factor = Callable[[Tensor, int], Tensor]


def load(name: str) -> Factor:
    """Return the function `factor` of the schedule called `name`.

    Raises:
        UserError: there is no file of this name.
    """
    module = importlib.import_module(components.module_of("schedules", name))
    factor: Factor = module.factor
    return factor
