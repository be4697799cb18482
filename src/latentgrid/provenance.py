"""What a result was made with."""

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

LIBRARIES = {  # the name that is imported, and the package it comes from
    "latentgrid": "latentgrid",
    "numpy": "numpy",
    "safetensors": "safetensors",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "torchvision": "torchvision",
    "zuko": "zuko",
}


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
    """Return the versions of Python and of what this process used of the libraries that count."""
    used = [package for name, package in LIBRARIES.items() if name in sys.modules]
    return {"python": platform.python_version()} | {package: version(package) for package in used}
