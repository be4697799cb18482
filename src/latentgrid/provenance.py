"""What a result was made with."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("latentgrid", "numpy", "safetensors", "torch")


def code_version() -> str:
    """Return the git commit, marked where the working tree differs from it, or "unknown"."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide about the numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
