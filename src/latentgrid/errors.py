"""The one exception for mistakes that a user can make and mend."""

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL_OR_FORBIDDEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
LONGEST_REASON = 200


class UserError(Exception):
    """A mistake that the user can mend; its text names the key or file and what to do."""


def damaged(path: Path, reason: object) -> UserError:
    """Return the error of a file that the pipeline wrote and that is not as it wrote it."""
    return UserError(f"{path}: is damaged ({one_line(reason)}); delete it and run snakemake again")


def one_line(text: object) -> str:
    """Return the first line of a text, without what a terminal would not print, 200 letters long.

    Texts of libraries quote what they read, which may be anything.
    """
    lines = str(text).strip().splitlines() or [type(text).__name__]
    printable = "".join(letter if letter.isprintable() else "�" for letter in lines[0])
    if len(printable) <= LONGEST_REASON:
        return printable
    return f"{printable[:LONGEST_REASON]}…"


def without_credentials(text: str) -> str:
    """Return a text whose URLs have lost their user names, passwords and queries."""
    return re.sub(r"(://[^\s?]*)\?[^\s)]*", r"\1", re.sub(r"//\S*@", "//", text))


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn user errors, failing disks and files in the way into one message and exit status 1."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        place = f" ({error.filename2 or error.filename})" if error.filename else ""
        if error.errno in FULL_OR_FORBIDDEN:
            todo = "free space or permit writing, then run again"
        elif error.errno in IN_THE_WAY:
            todo = "move away what stands there, then run again"
        else:
            raise
        sys.exit(f"error: {error.strerror}{place}; {todo}")
