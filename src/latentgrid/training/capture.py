"""Two ways to take the steps of an epoch: run each in Python, or replay one as a CUDA graph.

A step of these small networks is some hundred short kernels, and a GPU waits for Python to launch
each of them. A CUDA graph records all kernels of a step and launches them at once. So each step
must launch the same kernels, and what differs between two steps must lie on the device, as the
position of the next batch does (`steps.Batches`).
"""

from collections.abc import Callable, Hashable, Iterable
from functools import partial

import torch

from latentgrid.errors import UserError

Step = Callable[[], None]
# A function that takes one step. Steps with equal keys do the same to different images.
Take = Callable[[Hashable, Step], None]
# A function that begins an epoch: from the random generators of its steps it makes a `Take`.
Mode = Callable[..., Take]


def eager(*noise: torch.Generator) -> Take:
    """Return a function that runs each step in Python. It is the reference for `captured`."""
    return lambda key, step: step()


def captured(*noise: torch.Generator) -> Take:
    """Return a function that captures steps as CUDA graphs and replays them.

    Each epoch captures anew, because a model may change in `before_epoch`.
    """
    return Replayed(partial(cuda_graph, noise))


class Replayed:
    """Runs the first step of each kind in Python, captures the second, and replays it from then on.

    Steps of one kind have equal keys.
    """

    def __init__(self, capture: Callable[[Step], Step]) -> None:
        """Begin an epoch.

        Args:
            capture: gets a step and returns a function that repeats it; it does not take the step.
        """
        self.capture = capture
        self.begun: set[Hashable] = set()
        self.replays: dict[Hashable, Step] = {}

    def __call__(self, key: Hashable, step: Step) -> None:
        """Take a step."""
        if key not in self.begun:  # libraries initialise in the first step; no graph may hold that
            self.begun.add(key)
            step()
        else:
            if key not in self.replays:
                self.replays[key] = self.capture(step)
            self.replays[key]()


def cuda_graph(noise: Iterable[torch.Generator], step: Step) -> Step:
    """Capture a step as a CUDA graph and return the function that replays it.

    Each replay draws the next random numbers of each of `noise`, as the step itself would.

    Raises:
        UserError: the step waits for the device, or does something else that a graph cannot hold.
    """
    graph = torch.cuda.CUDAGraph()
    for generator in noise:
        graph.register_generator_state(generator)
    try:
        with torch.cuda.graph(graph):
            step()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # The failed capture raises again when it ends; the first error, its context, says why.
        reason = str(error.__context__ or error).partition("\n")[0]
        raise UserError(
            f"a step of this model cannot be captured as a CUDA graph ({reason}); "
            f"set training.cuda_graphs to false, or see docs/extend.md for what a step may do"
        ) from error
    return graph.replay
