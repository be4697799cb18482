"""Refuses, before anything starts, files that the user may not write.

After one call as root, for example, nobody else can write the results.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from latentgrid.errors import UserError


def require_writable(paths: Iterable[Path]) -> None:
    """Raise a UserError for the first path that the user may not write, or not create."""
    for path in paths:
        place = next(place for place in (path, *path.absolute().parents) if place.exists())
        if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0)):
            raise UserError(f"{place} {_reason(place)}")


def require_writable_below(folder: Path) -> None:
    """Raise a UserError if the user may not write a folder, or a folder or other user's file in it.

    The user's own read-only files do no harm: they are replaced and not written to.
    """
    require_writable([folder])
    for place, folders, files in os.walk(folder):
        require_writable(Path(place, name) for name in folders)
        paths = (Path(place, name) for name in files)
        require_writable(path for path in paths if path.lstat().st_uid != os.getuid())


def user_name(number: int) -> str:
    """Return the name of the user with this number, as "the user anna"."""
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
