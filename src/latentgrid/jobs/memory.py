"""Memory that one training step frees is kept for the next one."""

import ctypes

# Of <malloc.h>, where C libraries other than GNU's have no such function.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = 2**31 - 1
MMAP_THRESHOLDS = (2**30, 2**25)  # older versions refuse more than 32 MiB


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, instead of giving it back to the system.

    The tensors of a step are freed at its end, and by default the system takes back the large ones
    and clears them page by page when the next step asks again: a fifth of the time of a training.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # By itself the second setting would have every large block given back.
    if mallopt and any(mallopt(M_MMAP_THRESHOLD, size) for size in MMAP_THRESHOLDS):
        mallopt(M_TRIM_THRESHOLD, NEVER)
