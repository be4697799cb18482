"""The switches that make torch compute the same bits again."""

import torch

from latentgrid.errors import UserError


def compute_deterministically(device: str) -> None:
    """Make torch compute the same bits at each call, on one CPU thread.

    Call it before the job's first calculation.

    Args:
        device: "cpu" or "cuda", where the job computes.

    Raises:
        UserError: CUDA does not start.
    """
    torch.set_num_threads(1)
    if device == "cuda":  # one CPU thread is deterministic already, and this import takes seconds
        if not torch.cuda.is_available():
            raise UserError(
                "torch can use no GPU here, though CUDA_VISIBLE_DEVICES or the driver names one: "
                "look what `nvidia-smi` says, or set training.device to cpu"
            )
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.allow_tf32 = False  # it rounds convolutions to 10 bits
