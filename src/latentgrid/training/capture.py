"""How the steps of an epoch are taken: as they come, or on a GPU as one that is replayed.

The networks are small, so that a GPU waits for Python to launch the next of a step's hundred
kernels. A CUDA graph holds all of them and is launched at once. What a step does must then be the
same each time, and what changes from one to the next must lie on the device: `steps.Batches`.
"""

from collections.abc import Callable, Hashable
from functools import partial

import torch

from latentgrid.errors import UserError

Step = Callable[[], None]
# Takes a step; those with equal keys do the same to other images.
Take = Callable[[Hashable, Step], None]
# Given the generator that the steps draw from, begins an epoch.
Mode = Callable[[torch.Generator], Take]


def eager(noise: torch.Generator) -> Take:
    """Return what takes each step as it comes: the reference for `captured`."""
    return lambda key, step: step()


def captured(noise: torch.Generator) -> Take:
    """Return what replays steps as CUDA graphs, made anew for each epoch: models change between."""
    return Replayed(partial(cuda_graph, noise))


class Replayed:
    """Takes the first step of each kind as it comes, captures the second, and replays it."""

    def __init__(self, capture: Callable[[Step], Step]) -> None:
        """Begin an epoch; `capture` returns what does the same as a step, without taking it."""
        self.capture = capture
        self.begun: set[Hashable] = set()
        self.replays: dict[Hashable, Step] = {}

    def __call__(self, key: Hashable, step: Step) -> None:
        """Take a step."""
        if key not in self.begun:  # libraries prepare themselves in it, which no graph may hold
            self.begun.add(key)
            step()
        else:
            if key not in self.replays:
                self.replays[key] = self.capture(step)
            self.replays[key]()


def cuda_graph(noise: torch.Generator, step: Step) -> Step:
    """Return a step as a CUDA graph, whose draws go on in `noise` as the step's own would.

    Raises:
        UserError: the step waits for the device, or does what else no graph can hold.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(noise)
    try:
        with torch.cuda.graph(graph):
            step()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # Ending a capture that failed is an error of its own, which came of the one that says why.
        reason = str(error.__context__ or error).partition("\n")[0]
        raise UserError(
            f"a step of this model cannot be captured as a CUDA graph ({reason}); "
            f"set training.cuda_graphs to false, or see docs/extend.md for what a step may do"
        ) from error
    return graph.replay
