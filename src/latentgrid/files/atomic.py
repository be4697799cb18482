"""Writes files so that no reader ever sees half of one."""

import contextlib
import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latentgrid.errors import damaged


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, whose file replaces `path` if the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON with sorted keys; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path, *keys: str) -> Any:
    """Return the content of a JSON file of the pipeline; with `keys`, an object that has them all.

    Raises:
        UserError: the file is damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise damaged(path, error) from None
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing:
        raise damaged(path, f"it lacks {', '.join(missing)}")
    return value


def read_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the pipeline, all of which have the named columns.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns_found = list(reader), reader.fieldnames or ()
    except (ValueError, csv.Error, IsADirectoryError) as error:
        raise damaged(path, error) from None
    missing = [column for column in columns if column not in columns_found]
    if missing:
        raise damaged(path, f"it lacks {', '.join(missing)}")
    if any(row.get(column) is None for row in rows for column in columns):
        raise damaged(path, f"a row lacks {' or '.join(columns)}")
    return rows


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save(path: Path, write: Callable[[str], object]) -> None:
    """Replace `path` by what `write(temporary_name)` writes."""
    with replacing(path) as part:
        write(str(part))


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
