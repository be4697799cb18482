"""Files of other users in a project, said in one line before anything starts.

One call as root is enough for results that nobody else can go on with.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from latentgrid.errors import UserError


def require_writable(paths: Iterable[Path]) -> None:
    """Raise a UserError for the first path that may not be written, or made where it is missing."""
    for path in paths:
        place = next(place for place in (path, *path.absolute().parents) if place.exists())
        if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0)):
            raise UserError(f"{place} {_reason(place)}")


def require_writable_below(folder: Path) -> None:
    """Raise a UserError if a folder, or a folder in it, may not be written, or a file of others.

    A file of one's own that is read-only is replaced by its next version.
    """
    require_writable([folder])
    for place, folders, files in os.walk(folder):
        require_writable(Path(place, name) for name in folders)
        paths = (Path(place, name) for name in files)
        require_writable(path for path in paths if path.lstat().st_uid != os.getuid())


def user_name(number: int) -> str:
    """Return what the user of a number is called."""
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user number {number}"


def _reason(place: Path) -> str:
    number = place.stat().st_uid
    if number == os.getuid():
        return "gives you no permission to write there; chmod u+rwx it, then run again"
    return (
        f"belongs to {user_name(number)}, and you have no permission to write there; chown it to "
        "yourself, or work in a copy of the project that is yours"
    )
