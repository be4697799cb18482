"""Ends a job when the workflow that started it is killed."""

import ctypes
import os
import signal
import sys

import psutil

# The environment variable with the process number of the workflow that a job belongs to.
WORKFLOW = "LATENTGRID_WORKFLOW"
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, however that ends.

    If the workflow has ended already, this process is killed at once. Only Linux can do this.
    Elsewhere a job whose workflow was killed goes on to its end, and the lock of a training keeps
    others from its files until then.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    workflow = os.environ.get(WORKFLOW)
    above = {str(process.pid) for process in psutil.Process().parents()}
    if workflow and workflow not in above:
        os.kill(os.getpid(), signal.SIGKILL)
