"""Looking at file locks without disturbing those who hold them."""

import fcntl
import os
from pathlib import Path


def is_held(lock: Path) -> bool:
    """Tell whether a process holds a lock file, without ever making one or keeping it for long."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
