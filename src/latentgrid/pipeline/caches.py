"""Where libraries keep what they need not make twice, if the user's home takes nothing."""

import os
import tempfile
from pathlib import Path

IN_PROJECT = Path(".snakemake/caches")


def keep_in_project_without_home() -> None:
    """Name a folder of the project to Snakemake and matplotlib if the user's takes no file.

    Snakemake would end with a traceback, and matplotlib look through all fonts in each job.
    """
    # As the XDG Base Directory Specification has it.
    if not _takes_files(os.environ.get("XDG_CACHE_HOME") or "~/.cache"):
        here = IN_PROJECT.absolute()
        os.environ["XDG_CACHE_HOME"] = str(here)
        os.environ.setdefault("MPLCONFIGDIR", str(here / "matplotlib"))


def _takes_files(folder: str) -> bool:
    try:
        place = Path(folder).expanduser()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except (OSError, RuntimeError):  # the latter if nobody knows the user's home
        return False
