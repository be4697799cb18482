"""A job ends when the workflow that started it is killed, and does not write on unseen."""

import ctypes
import os
import signal
import sys

import psutil

# The environment variable with the process number of the workflow that a job belongs to.
WORKFLOW = "LATENTGRID_WORKFLOW"
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that started it ends, however it ends.

    If its workflow ended before this call, it is killed here. Only Linux can do so; elsewhere a job
    whose workflow was killed goes on to its end. A training's lock keeps others off its files until
    then.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    workflow = os.environ.get(WORKFLOW)
    above = {str(process.pid) for process in psutil.Process().parents()}
    if workflow and workflow not in above:
        os.kill(os.getpid(), signal.SIGKILL)
