"""What a result was made with."""

import contextlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "latentgrid",
    "numpy",
    "safetensors",
    "scikit-learn",
    "torch",
    "torchvision",
    "zuko",
)


def code_version() -> str:
    """Return the git commit, marked where the working tree differs from it, or "unknown"."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, encoding="utf-8", check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of what is installed of the libraries that count."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found
