"""The switches that make torch compute the same bits again."""

import torch


def compute_deterministically(device: str) -> None:
    """Make torch compute the same bits at each call, on one CPU thread.

    Call it before the job's first calculation.

    Args:
        device: "cpu" or "cuda", where the job computes.
    """
    torch.set_num_threads(1)
    if device == "cuda":  # one CPU thread is deterministic already, and this import takes seconds
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.allow_tf32 = False  # it rounds convolutions to 10 bits
