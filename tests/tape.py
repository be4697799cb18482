"""A stand-in for a CUDA graph on a CPU: records what a step does to tensors, and does it again.

Like a graph it holds every number that Python had in its hands at the time of recording, and it
refuses a step that has to wait for the device.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}
FROM_PYTHON = {torch.ops.aten.lift_fresh.default}


class Recorder(TorchDispatchMode):
    """Notes each call, with its arguments and what it returned."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Make a call and note it."""
        if function in WAITS | FROM_PYTHON or picks_by_truth(function, args):
            raise RuntimeError(f"{function} cannot be captured")
        kwargs = kwargs or {}
        returned = function(*args, **kwargs)
        self.calls.append((function, args, kwargs, returned))
        return returned


def picks_by_truth(function, args):
    """Tell whether a call returns as many values as a mask has true ones, which must be counted."""
    index = torch.ops.aten.index.Tensor
    return function == index and any(i is not None and i.dtype == torch.bool for i in args[1])


def tape(step):
    """Return what does the same as `step`. Recording takes the step, so the first call does not."""
    with Recorder() as recorder:
        step()
    calls = iter([lambda: None])

    def replay():
        next(calls, lambda: play(recorder.calls))()

    return replay


@torch.no_grad()
def play(recorded):
    """Make all calls again, each on the very tensors that it had and into those it returned."""
    for function, args, kwargs, returned in recorded:
        again = function(*args, **kwargs)
        for result, old, new in zip(
            function._schema.returns, leaves(returned), leaves(again), strict=False
        ):
            if result.alias_info is None and isinstance(old, torch.Tensor):
                old.copy_(new)


def leaves(value):
    """Return the values of a call, in a tuple."""
    return value if isinstance(value, tuple | list) else (value,)
