"""Keeps what users set for all of torch away from our models, which are of float32 on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def of_our_own() -> Iterator[None]:
    """Compute with float32 on the CPU, with gradients, whatever the caller has set; leave that so.

    Else a default of float64, or of a GPU, would give a model weights of another type, and a
    training within `torch.no_grad()` or `torch.inference_mode()` would have no gradients.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with (
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
            torch.device("cpu"),
        ):
            yield
    finally:
        torch.set_default_dtype(dtype)
