"""Commands run as a user who owns nothing here, where the tests are root's."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

NUMBER = 65534  # "nobody", who has an account everywhere
# May read all there is, since Python itself may lie in root's home, and write nothing.
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
AS_USER = ("setpriv", f"--reuid={NUMBER}", f"--regid={NUMBER}", "--clear-groups", *READS_ALL)


def can_be_become() -> bool:
    """Tell whether a process of the tests may become the other user."""
    try:
        return subprocess.run([*AS_USER, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_other_user = pytest.mark.skipif(
    not can_be_become(), reason="becoming another user takes root's rights and setpriv"
)


def call_as_other(
    command: list[str], folder: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of this Python's environment as the other user, whatever comes of it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python_path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [*AS_USER, *command],
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": python_path, "HOME": "/nonexistent", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
