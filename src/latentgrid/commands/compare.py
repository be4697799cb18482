"""Compares two folders of results byte by byte and names the first difference in each file."""

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import safe_open

from latentgrid.errors import UserError
from latentgrid.files.atomic import sha256
from latentgrid.results.labels import percent

# The only files and folders that hold what differs between any two runs of the pipeline: times,
# hosts and paths.
LEFT_OUT = (
    "timing.json",  # of a run: when, where and how long it trained
    "logs",  # what each job said
    "benchmarks.csv",  # what each job cost
    "state",  # of runs that are still in training
    ".*",  # locks, files that are half written, and stamps
)
ROOTS = ("data", "results")  # of a project; each has a folder for each data set
CODE = re.compile(r"[0-9a-f]{12,64}(-dirty)?")
SHOWN = 100  # the number of characters shown of a value or a line


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two folders.

    Attributes:
        compared: the number of files that are in either folder, without those left out.
        left_out: the number of files that LEFT_OUT names.
        differences: for each file that differs, its path and how it differs.
    """

    compared: int
    left_out: int
    differences: dict[str, str]

    @property
    def summary(self) -> str:
        """The result in one line."""
        found = f"{len(self.differences):,} differ" if self.differences else "all the same"
        return (
            f"{self.compared:,} files, {found}; "
            f"{self.left_out:,} left out, which hold times, hosts or paths"
        )


def compare(first: Path, second: Path) -> Comparison:
    """Compare two folders of results, or the folders `data` and `results` of two projects.

    Raises:
        UserError: there is nothing to compare.
    """
    names = _names(first), _names(second)
    if first.samefile(second):
        raise UserError(f"{first} and {second} are the same folder; name two")
    if _is_project(first) != _is_project(second):
        raise UserError(f"only one of {first} and {second} is a project; name two alike")
    every = sorted(names[0] | names[1])
    compared = [name for name in every if not is_left_out(name)]
    if not compared:
        raise UserError(f"neither {first} nor {second} holds a file to compare")
    reasons = {name: _reason(first, second, name) for name in compared}
    differences = {str(name): reason for name, reason in reasons.items() if reason}
    return Comparison(len(compared), len(every) - len(compared), differences)


def but_for_code(first: Path, second: Path, found: Comparison) -> Comparison:
    """Return the comparison without files that differ only in the code that they name.

    A run's `config.json` names the commit and the code that trained it, and other files hold
    digests of that file. A run with other numbers still counts as different.
    """
    names = [_named_after_code(folder) for folder in (first, second)]

    def is_alike(name: str) -> bool:
        pair = first / name, second / name
        if not all(path.is_file() for path in pair):
            return False
        one, other = (_replaced(path, of) for path, of in zip(pair, names, strict=True))
        return one == other

    left = {name: why for name, why in found.differences.items() if not is_alike(name)}
    return replace(found, differences=left)


def _named_after_code(folder: Path) -> dict[bytes, bytes]:
    """Return all texts that depend on a run's code, each with the text that replaces it."""
    found: dict[bytes, bytes] = {}
    for path in sorted(folder.rglob("config.json")):
        run = path.parent.relative_to(folder).as_posix()
        files = [file for file in (path, path.with_name("outcome.json")) if file.is_file()]
        values = _code_of(path) | {sha256(file): f"{file.name} of {run}" for file in files}
        found |= {value.encode(): name.encode() for value, name in values.items()}
    return found


def _code_of(config: Path) -> dict[str, str]:
    """Return the code that a run's config.json names; nothing if it is damaged."""
    try:
        said = json.loads(config.read_bytes())
        named = {key: str(said[key]) for key in ("code", "code digest") if key in said}
        # Another word may stand in files for another reason.
        return {code: f"{key} of a run" for key, code in named.items() if CODE.fullmatch(code)}
    except (ValueError, TypeError):
        return {}


def _replaced(path: Path, names: dict[bytes, bytes]) -> bytes:
    content = path.read_bytes()
    for value, name in names.items():
        content = content.replace(value, name)
    return content


def is_left_out(name: Path) -> bool:
    """Tell whether LEFT_OUT names a file or a folder that it is in."""
    # A data set may have such a name, and below `runs` an entry of `params.yaml`.
    inside = name.parts[2:] if name.parts[0] in ROOTS else name.parts
    above_runs = itertools.takewhile(lambda part: part != "runs", inside)
    parts = (*above_runs, name.name)
    return any(fnmatch(part, pattern) for part in parts for pattern in LEFT_OUT)


def _names(folder: Path) -> set[Path]:
    """Return the files below a folder, or below `data` and `results` in it."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name a folder of results or a project")
    roots = [folder / root for root in ROOTS] if _is_project(folder) else [folder]
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in files}


def _is_project(folder: Path) -> bool:
    return (folder / "results").is_dir()


def _reason(first: Path, second: Path, name: Path) -> str:
    """Return how a file differs between the folders; "" if it does not."""
    pair = first / name, second / name
    for path, other in zip(pair, (second, first), strict=True):
        if not path.is_file():
            return f"only in {other}"
    if sha256(pair[0]) == sha256(pair[1]):
        return ""
    explain = EXPLAINED.get(name.suffix, _sizes)
    try:
        return explain(*pair) or "the same content, written in other bytes"
    except Exception as error:  # a damaged file is a difference like others
        return f"{_sizes(*pair)}; not readable: {str(error)[:SHOWN]}"


def _json(first: Path, second: Path) -> str:
    return _first(_values(json.loads(first.read_bytes()), json.loads(second.read_bytes()), ""))


def _values(first: Any, second: Any, place: str) -> Iterator[str]:
    """Yield each place where two JSON values differ, with both values."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            inside = f"{place}.{key}" if place else str(key)
            yield from _values(first.get(key, MISSING), second.get(key, MISSING), inside)
    elif isinstance(first, list) and isinstance(second, list):
        pairs = itertools.zip_longest(first, second, fillvalue=MISSING)
        for number, pair in enumerate(pairs):
            yield from _values(*pair, f"{place}[{number}]")
    elif first is MISSING or second is MISSING or json.dumps(first) != json.dumps(second):
        shown = ("nothing" if value is MISSING else json.dumps(value) for value in (first, second))
        yield f"{place or 'the value'}: {_both(*shown)}"


MISSING = object()


def _csv(first: Path, second: Path) -> str:
    return _first(_cells(_rows(first), _rows(second)))


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _cells(first: list[list[str]], second: list[list[str]]) -> Iterator[str]:
    """Yield each cell where tables differ; row 1 is below the header, as in `latentgrid why`."""
    heading = first[0] if first else []
    for number, rows in enumerate(zip(first, second, strict=False)):
        for column, cells in enumerate(itertools.zip_longest(*rows, fillvalue="")):
            if cells[0] != cells[1]:
                name = heading[column] if number and column < len(heading) else column + 1
                row = f"row {number}" if number else "header"
                yield f"{row}, column {name}: {_both(*cells)}"
    if len(first) != len(second):
        yield f"{len(first) - 1:,} and {len(second) - 1:,} rows"


def _safetensors(first: Path, second: Path) -> str:
    with safe_open(first, framework="np") as one, safe_open(second, framework="np") as other:
        return _first(_tensors(one, other))


def _tensors(first: Any, second: Any) -> Iterator[str]:
    """Yield each tensor that differs, with its largest difference."""
    names = [set(file.keys()) for file in (first, second)]
    for name in sorted(names[0] | names[1]):
        if name not in names[0] & names[1]:
            yield f"tensor {name} is only in one"
            continue
        one, other = first.get_tensor(name), second.get_tensor(name)
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            kinds = [f"{tensor.dtype}{list(tensor.shape)}" for tensor in (one, other)]
            yield f"tensor {name}: {kinds[0]} and {kinds[1]}"
        elif one.tobytes() != other.tobytes():
            distance = np.fmax.reduce(np.abs(one.astype(float) - other.astype(float)), axis=None)
            yield f"tensor {name}: values differ by up to {distance:.3g}"


def _picture(first: Path, second: Path) -> str:
    pictures = [Image.open(path) for path in (first, second)]
    frames = [getattr(picture, "n_frames", 1) for picture in pictures]
    sizes = [f"{p.width} × {p.height} pixels" for p in pictures]
    if frames[0] != frames[1] or sizes[0] != sizes[1]:
        return f"{frames[0]} × {sizes[0]} and {frames[1]} × {sizes[1]}"
    changed = []
    for frame in range(frames[0]):
        for picture in pictures:
            picture.seek(frame)
        one, other = (np.asarray(picture.convert("RGBA")) for picture in pictures)
        changed.append((one != other).any(axis=-1).mean())
    return f"{percent(np.mean(changed), 2)} of the pixels" if any(changed) else ""


def _text(first: Path, second: Path) -> str:
    """Return the sizes and the first line that differs, also for a PDF with its binary streams."""
    lines = [path.read_bytes().split(b"\n") for path in (first, second)]
    pairs = itertools.zip_longest(*lines)
    number, pair = next((n, pair) for n, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    lines_as_text = ((line or b"").decode("utf-8", "backslashreplace") for line in pair)
    return f"{_sizes(first, second)}; line {number}: {_both(*lines_as_text)}"


def _sizes(first: Path, second: Path) -> str:
    sizes = [path.stat().st_size for path in (first, second)]
    if sizes[0] == sizes[1]:
        return f"{sizes[0]:,} bytes each"
    return f"{sizes[0]:,} and {sizes[1]:,} bytes"


def _first(found: Iterator[str]) -> str:
    """Return the first difference and the number of further ones."""
    reason, others = next(found, ""), sum(1 for _ in found)
    return f"{reason} (and {others:,} more)" if others else reason


def _both(one: str, other: str) -> str:
    """Return two texts, or if they are long, the part in which they begin to differ."""
    if max(len(one), len(other)) > SHOWN:
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
        start = max(0, sum(1 for _ in alike) - SHOWN // 4)
        one, other = (f"…{text[start : start + SHOWN]}…" for text in (one, other))
    return f"{one} and {other}"


EXPLAINED: dict[str, Callable[[Path, Path], str]] = {
    ".json": _json,
    ".csv": _csv,
    ".safetensors": _safetensors,
    ".png": _picture,
    ".webp": _picture,
    ".pdf": _text,
    ".html": _text,
}
