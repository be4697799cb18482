"""The exception for mistakes that users can mend, and texts that are safe to print."""

import errno
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL_OR_FORBIDDEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
MAX_REASON_LENGTH = 200
STDOUT = 1
# Signs in a URL, as they are or percent-encoded.
AT, COLON, SLASHES = "(?:@|%40)", "(?::|%3a)", "(?://|%2f%2f)"
USER_OF_URL = re.compile(rf"({SLASHES})\S*{AT}", re.IGNORECASE)
# me:secret@host and me:secret@host:folder, as scp and git accept them; a@b is a mail address.
USER_OF_HOST = re.compile(rf"(?<![\w/])[^\s/:@'\"(]+{COLON}[^\s@]*{AT}", re.IGNORECASE)
# Query, fragment and parameters: ?token=…, #token=…, ;jsessionid=….
REST_OF_URL = re.compile(
    rf"({SLASHES}(?:(?!%3f|%23|%3b)[^\s?#;])*)(?:[?#;]|%3f|%23|%3b)[^\s)]+", re.IGNORECASE
)


class UserError(Exception):
    """A mistake that the user can mend. Its text names the key or file, and what to do."""


def damaged(path: Path, reason: object) -> UserError:
    """Return the error for a file of the pipeline whose content is not what the pipeline wrote."""
    return UserError(f"{path}: is damaged ({one_line(reason)}); delete it and run snakemake again")


def one_line(text: object) -> str:
    """Return the first line of a text, cut to 200 letters that a terminal can print.

    Error texts of libraries may quote anything from the files that they read.
    """
    lines = str(text).strip().splitlines() or [type(text).__name__]
    line = printable(lines[0])
    if len(line) <= MAX_REASON_LENGTH:
        return line
    return f"{line[:MAX_REASON_LENGTH]}…"


def printable(text: str) -> str:
    """Replace each letter that cannot be seen by a �; spaces and line ends stay.

    Control characters in a name or a reason could move a terminal's cursor, change colours or
    reverse the order of letters, so that a reader would see another text.
    """
    return "".join(letter if _is_seen(letter) else "�" for letter in text)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() or letter == "\n" or unicodedata.category(letter) == "Zs"


def print_on_any_terminal() -> None:
    """Print a ? for each letter that the terminal cannot show, where Python would raise an error.

    Standard error needs no such change: Python prints these letters there as \\u….
    """
    # A new stream, not `reconfigure`: in a fork, Python's stream belonged to another process.
    encoding = getattr(sys.stdout, "encoding", None)
    if encoding:  # else the process was started with a closed output, and nothing is printed
        sys.stdout = os.fdopen(
            STDOUT, "w", buffering=1, encoding=encoding, errors="replace", closefd=False
        )


def without_credentials(text: str) -> str:
    """Remove user names, passwords, queries, fragments and parameters from the URLs in a text.

    A scheme may be in upper case, missing (me:secret@host) or percent-encoded.
    """
    text = USER_OF_HOST.sub("", USER_OF_URL.sub(r"\1", text))
    return REST_OF_URL.sub(r"\1", text)


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with one line and exit status 1 at a UserError or an error of the disk."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {printable(str(error))}")
    except OSError as error:
        place = f" ({error.filename2 or error.filename})" if error.filename else ""
        if error.errno in FULL_OR_FORBIDDEN:
            todo = "free space or permit writing, then run again"
        elif error.errno in IN_THE_WAY:
            todo = "move away what stands there, then run again"
        else:
            raise
        sys.exit(f"error: {printable(f'{error.strerror}{place}')}; {todo}")
