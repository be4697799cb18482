"""The one exception for mistakes that a user can make and mend."""

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
# What a URL is written with, as it is or percent-encoded.
AT, COLON, SLASHES = "(?:@|%40)", "(?::|%3a)", "(?://|%2f%2f)"
USER_OF_URL = re.compile(rf"({SLASHES})\S*{AT}", re.IGNORECASE)
# me:secret@host and me:secret@host:folder, as scp and git take them; a@b alone is a mail address.
USER_OF_HOST = re.compile(rf"(?<![\w/])[^\s/:@'\"(]+{COLON}[^\s@]*{AT}", re.IGNORECASE)
# Query, fragment and parameters: ?token=…, #token=…, ;jsessionid=….
REST_OF_URL = re.compile(
    rf"({SLASHES}(?:(?!%3f|%23|%3b)[^\s?#;])*)(?:[?#;]|%3f|%23|%3b)[^\s)]+", re.IGNORECASE
)


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
    line = printable(lines[0])
    if len(line) <= MAX_REASON_LENGTH:
        return line
    return f"{line[:MAX_REASON_LENGTH]}…"


def printable(text: str) -> str:
    """Return a text whose letters can all be seen: every other one is a �, spaces and lines stay.

    A name or a reason may hold what moves a terminal's cursor, colours it, or turns the order of
    letters round, and so shows something else than what is there.
    """
    return "".join(letter if _is_seen(letter) else "�" for letter in text)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() or letter == "\n" or unicodedata.category(letter) == "Zs"


def print_on_any_terminal() -> None:
    """Let what a terminal has no letter for become a ?, where Python would end with an error.

    Errors need nothing of the kind: Python writes such letters of theirs as \\u….
    """
    # Anew and not by `reconfigure`: in a fork, the stream that Python knows was another one.
    encoding = getattr(sys.stdout, "encoding", None)
    if encoding:  # else it was closed by who started this process, and nothing is printed
        sys.stdout = os.fdopen(
            STDOUT, "w", buffering=1, encoding=encoding, errors="replace", closefd=False
        )


def without_credentials(text: str) -> str:
    """Return a text whose URLs have lost user names, passwords, queries, fragments and parameters.

    Their schemes may be in upper case, missing (me:secret@host) or percent-encoded.
    """
    text = USER_OF_HOST.sub("", USER_OF_URL.sub(r"\1", text))
    return REST_OF_URL.sub(r"\1", text)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn user errors, failing disks and files in the way into one message and exit status 1."""
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
