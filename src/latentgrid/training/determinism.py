"""What lets torch give the same bits again. To be called before a job's first calculation."""

import torch


def compute_deterministically(device: str) -> None:
    """Let this process give the same bits at each call, on one thread of the CPU.

    Args:
        device: "cpu" or "cuda", where the job computes.
    """
    torch.set_num_threads(1)
    if device == "cuda":  # one CPU thread needs no such care, and the call takes seconds to import
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.allow_tf32 = False  # which rounds convolutions to 10 bits
