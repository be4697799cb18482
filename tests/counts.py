"""A plugin of pytest: what tests cost in CPU time, and on how many generated inputs they ran."""

import ctypes
import os
import resource
import sys
from collections import Counter

import pytest

import fuzz

PR_SET_CHILD_SUBREAPER = 36
DEAREST = 12  # files that are named
NAME = "latentgrid counts"

BEGUN = pytest.StashKey[float]()

CPU_SECONDS: Counter[str] = Counter()
CASES: Counter[str] = Counter()
REFUSED: Counter[str] = Counter()


def pytest_configure():
    """Ask to be the parent of processes whose own ended, or their time would be nobody's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_seconds():
    """Return the CPU time, user's and system's, of this process and all below it that ended."""
    adopt_the_dead()
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def adopt_the_dead():
    """Wait for processes that have ended, which adds their time to this one's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[BEGUN] = cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """Let a worker's report carry what its test counted."""
    result = yield
    counted = {
        "cpu": cpu_seconds() - item.stash[BEGUN],
        "cases": dict(fuzz.CASES),
        "refused": dict(fuzz.REFUSED),
    }
    fuzz.CASES.clear()
    fuzz.REFUSED.clear()
    item.user_properties.append((NAME, counted))
    return result


def pytest_runtest_logreport(report):
    """Add up what the tests counted, whichever worker ran them."""
    counted = dict(report.user_properties).get(NAME)
    if report.when == "teardown" and counted:
        CPU_SECONDS[report.nodeid.partition("::")[0]] += counted["cpu"]
        CASES.update(counted["cases"])
        REFUSED.update(counted["refused"])


def pytest_terminal_summary(terminalreporter):
    dearest = ", ".join(f"{file} {n:.0f}" for file, n in CPU_SECONDS.most_common(DEAREST))
    terminalreporter.write_line(f"CPU seconds: {cpu_seconds():.0f} in all; {dearest}")
    if CASES:
        counts = (f"{kind} {n} cases, {REFUSED[kind]} refused" for kind, n in CASES.items())
        terminalreporter.write_line(f"fuzz: {'; '.join(counts)}")
