"""A training must not outlive the workflow that started it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from latentgrid.jobs.parent import WORKFLOW

CHILD = "from latentgrid.jobs.parent import die_with_parent as d; d(); print('on', flush=True)\n"
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can kill a child with its parent")
def test_a_killed_parent_takes_its_training_along():
    code = CHILD + "import time; time.sleep(60)"
    command = [sys.executable, "-c", PARENT, code]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can kill a child with its parent")
@pytest.mark.parametrize(
    ("workflow", "status"),
    [(os.getpid(), 0), (2**30, -signal.SIGKILL)],
    ids=["there", "gone"],
)
def test_a_step_whose_workflow_is_gone_does_not_begin(workflow, status):
    environment = os.environ | {WORKFLOW: str(workflow)}
    step = subprocess.run([sys.executable, "-c", CHILD], env=environment, check=False)
    assert step.returncode == status
