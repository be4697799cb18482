"""Starts CUDA as any program would, and fails with a line that says why it cannot.

It asks the driver itself, as importing torch takes seconds.
"""

import ctypes
import sys

# CUresult of the CUDA Driver API, of programs that use the Multi-Process Service.
ERRORS = {
    805: "no connection",
    806: "a failed call",
    807: "not ready",
    808: "as many clients as it takes",
    809: "as many connections as it takes",
}


def fault(gpus: int) -> str | None:
    """Return why this process cannot use so many GPUs, None if it can."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None  # there is no driver, which jobs will say better
    if error := cuda.cuInit(0):
        return ERRORS.get(error, f"CUDA's error {error}")
    count = ctypes.c_int()
    cuda.cuDeviceGetCount(ctypes.byref(count))
    return None if count.value == gpus else f"it shows {count.value} of {gpus} GPUs"


if __name__ == "__main__":
    if found := fault(int(sys.argv[1])):
        print(found)
        sys.exit(1)
