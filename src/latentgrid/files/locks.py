"""Looks at file locks without taking them."""

import fcntl
import os
from pathlib import Path


def is_held(lock: Path) -> bool:
    """Tell whether a process holds a lock. It creates no lock file and keeps no lock."""
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
