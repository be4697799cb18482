"""What a source reads of the user's files: the data are made again when any of it changes.

The Snakefile asks for it, so nothing heavy is imported.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import sha256
from latentgrid.grid import catalogue
from latentgrid.grid.datasets import KEY, Source


def fingerprint(source: Source, mirror: str | None) -> str | None:
    """Return a SHA-256 of the text of `mirror` and of the names and contents of the files there.

    None for a source that is the same from any mirror. What lies behind a URL is not looked at.

    Raises:
        UserError: a file there cannot be read; the text names it.
    """
    if catalogue.same_from_any_mirror(*source.component):
        return None
    return _digest("mirror", mirror)


def fingerprint_of_files(source: Source) -> list[str]:
    """Return a SHA-256 of the names and contents of each file or folder that an option names.

    A file that cannot be read has no content here; its reader names it, with all others.

    Raises:
        UserError: a folder cannot be looked at; the text names it.
    """
    return [_digest(KEY, place, content=_content_if_readable) for place in source.files]


def _content_if_readable(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return ""


def _digest(key: str, place: str | None, content: Callable[[Path], str] = sha256) -> str:
    digest = hashlib.sha256((place or "").encode())
    try:
        for path in _files(place):
            digest.update(b"\0" + os.fsencode(path) + b"\0" + content(path).encode())
    except (OSError, RuntimeError) as error:  # no permission, no such home
        raise UserError(f"{key}: {place}: {one_line(error)}") from None
    return digest.hexdigest()


def _files(mirror: str | None) -> list[Path]:
    """Return the file that `mirror` names, or all in the folder that it names, sorted."""
    if mirror is None or mirror.startswith(("http://", "https://")):
        return []
    place = Path(mirror).expanduser()
    return [place] if place.is_file() else sorted(_below(place, frozenset()))


def _below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    """Yield the files in a folder and below, also behind links, but not behind one to above."""
    real = os.path.realpath(folder)
    if real in above or not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_file():
            yield path
        else:
            yield from _below(path, above | {real})
