"""What a result was made with."""

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

    It ends in "-dirty" if anything below `src/` or in a folder of plugins differs from that
    commit, files too that git does not know yet; what .gitignore names does not count. Only a
    repository whose top is the project's folder is the project's: one further up holds this folder
    by chance.
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
    """Refuse to work in a project with another one's code.

    Raises:
        UserError: this folder has a package of its own, and another one is loaded.
    """
    own, loaded = Path("src/latentgrid"), Path(__file__).parent
    if own.is_dir() and not own.samefile(loaded):
        raise UserError(
            f"the code is loaded from {loaded} and not from {own.absolute()}; "
            f"run make setup here, then source .venv/bin/activate"
        )


def _git(*arguments: str) -> str:
    """Return what git says of the project.

    Git refuses a repository of another user, since its settings may name commands; but whoever
    asks here runs that project's code already.
    """
    command = ["git", "--no-optional-locks", "-c", f"safe.directory={PROJECT.resolve()}"]
    # In a hook of git's, its variables point at another repository.
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
    """Return the versions of Python and of what is installed of the libraries that count."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found
