"""Finds the versions of code and libraries with which a result is made."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from latentgrid.errors import UserError

PROJECT = Path(__file__).parents[2]
LIBRARIES = (
    "latentgrid",
    "numpy",
    "safetensors",
    "scikit-learn",
    "torch",
    "torchvision",
    "zuko",
)


def code_version(plugins: Iterable[Path] = ()) -> str:
    """Return the git commit of this project, or "unknown".

    It ends in "-dirty" if a file below `src/` or in a plugin folder differs from that commit or is
    new, except files that .gitignore names. It is "unknown" if the top of the repository is not the
    project's folder, as then the folder lies in another repository by chance.
    """
    try:
        top = _git("rev-parse", "--show-toplevel")
        if Path(top).resolve() != PROJECT.resolve():
            return "unknown"
        commit = _git("rev-parse", "--verify", "--short=12", "HEAD")
        code = ["src", *(str(path) for path in plugins if path.is_relative_to(PROJECT))]
        changes = _git("status", "--porcelain", "--untracked-files=all", "--", *code)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changes else commit


def require_own_code() -> None:
    """Refuse to work in a project with the code of another.

    Raises:
        UserError: the working directory has a package of its own, and Python has loaded another.
    """
    own, loaded = Path("src/latentgrid"), Path(__file__).parent
    if own.is_dir() and not own.samefile(loaded):
        raise UserError(
            f"the code is loaded from {loaded} and not from {own.absolute()}; "
            f"run make setup here, then source .venv/bin/activate"
        )


def _git(*arguments: str) -> str:
    """Run git in the project's folder and return its output.

    Git refuses a repository of another user, whose settings may contain commands. We allow it, as
    this process runs the project's code anyway.
    """
    command = ["git", "--no-optional-locks", "-c", f"safe.directory={PROJECT.resolve()}"]
    # In a git hook, git's environment variables may point at another repository.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [*command, *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of those LIBRARIES that are installed."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found
