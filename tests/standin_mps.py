"""A stand-in for NVIDIA's program that keeps the Multi-Process Service, which serves nobody."""

import contextlib
import ctypes
import sys

# What NVIDIA's manual says of the real one: a daemon with -f, else commands for the daemon of
# CUDA_MPS_PIPE_DIRECTORY; it writes down its number there.
CONTROL = f"""#!{sys.executable}
import os, pathlib, sys, time
pipes = pathlib.Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))
number, asked = pipes / "nvidia-cuda-mps-control.pid", pipes / "asked"
if sys.argv[1:] == ["-f"]:
    (pathlib.Path(os.environ["CUDA_MPS_LOG_DIRECTORY"]) / "control.log").write_text("Start")
    number.write_text(str(os.getpid()))
    while not asked.exists():
        time.sleep(0.02)
    number.unlink()
elif not number.exists():
    sys.exit("Cannot find MPS control daemon process")
elif sys.stdin.read().split() == ["quit"]:
    asked.touch()
"""


def has_driver():
    """Tell whether CUDA can start, which would find none of these GPUs."""
    with contextlib.suppress(OSError):
        return bool(ctypes.CDLL("libcuda.so.1"))
    return False
