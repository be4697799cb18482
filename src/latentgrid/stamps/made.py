"""Writes the stamps of results and compares them with what would make the results now.

A stamp is a hidden file beside its result, and moves with it; Snakemake's own records can be lost,
or belong to another commit or data set. A stamp holds the settings and the code that made the
result, the SHA-256 of each input, and the SHA-256 of the result.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError, damaged
from latentgrid.files.atomic import read_json, sha256, write_json

NO_RESULT = "not there yet"
ALWAYS = "made whenever it is asked for"
DAMAGED = "it is not as it was written"
UNSTAMPED = "nothing says what made it"
MAX_NAMED = 3
STAMP_PREFIX, STAMP_SUFFIX = ".", ".made"


@dataclass(frozen=True)
class Recipe:
    """What decides a result, besides the files that it is made from.

    Attributes:
        settings: the parameters of the step, as plain data.
        code: the digest of the step's code.
        modules: the first digits of each module's digest, to name the modules that changed.
    """

    settings: Mapping[str, Any]
    code: str
    modules: Mapping[str, str]


@dataclass(frozen=True)
class Product:
    """The files that one job makes.

    Attributes:
        outputs: the files that get a stamp.
        inputs: the files that decide the content of the outputs.
        recipe: everything else that decides it.
        others: further files that the job makes, which get no stamp.
    """

    outputs: tuple[Path, ...]
    inputs: tuple[Path, ...]
    recipe: Recipe
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Digests:
    """Computes the SHA-256 of files and remembers them, so that each is read once."""

    known: dict[Path, str | None] = field(default_factory=dict)

    def of(self, path: Path) -> str | None:
        """Return a file's digest, or None if there is no such file."""
        if path not in self.known:
            self.known[path] = sha256(path) if path.is_file() else None
        return self.known[path]


def stamp_of(path: Path) -> Path:
    """Return the path of a result's stamp."""
    return path.with_name(f"{STAMP_PREFIX}{path.name}{STAMP_SUFFIX}")


def stamped_by(stamp: Path) -> Path:
    """Return the path of the result to which a stamp belongs."""
    name = stamp.name.removeprefix(STAMP_PREFIX).removesuffix(STAMP_SUFFIX)
    return stamp.with_name(name)


def stamp(product: Product, inputs: Mapping[str, str]) -> None:
    """Write a stamp beside each of a job's results.

    Args:
        product: what the job made.
        inputs: the digests of its inputs before it began.

    Raises:
        UserError: the job did not make one of its results.
    """
    for path in product.outputs:
        if not path.is_file():
            raise UserError(f"{path}: the job ended without making it; see its log")
        made_by = {"settings": product.recipe.settings, "code": product.recipe.code}
        made_by |= {"modules": product.recipe.modules}
        write_json(stamp_of(path), made_by | {"inputs": dict(inputs), "sha256": sha256(path)})


def misfit(product: Product, digests: Digests) -> str:
    """Return why existing files are not what the job would make now; "" if they are.

    Missing inputs are not a reason: the jobs that make them come first.
    """
    if not product.outputs:
        return ALWAYS
    if not all(path.is_file() for path in product.others):
        return NO_RESULT
    for path in product.outputs:
        reason = _misfit_of(path, product, digests)
        if reason:
            return reason
    return ""


def is_as_written(path: Path) -> bool:
    """Tell whether a result is unchanged since its job wrote it."""
    made = read_stamp(path)
    return bool(made) and path.is_file() and made.get("sha256") == sha256(path)


def require_as_written(path: Path) -> Path:
    """Return the path of a result if it is unchanged since its job wrote it.

    Raises:
        UserError: it changed, or it has no stamp.
    """
    if path.is_file() and not is_as_written(path):
        raise damaged(path, DAMAGED if read_stamp(path) else UNSTAMPED)
    return path


def require_unchanged(path: Path) -> Path:
    """Return the path of a file if it has no stamp, or is unchanged since its job wrote it.

    Raises:
        UserError: it changed.
    """
    return require_as_written(path) if stamp_of(path).exists() else path


def read_stamp(path: Path) -> dict[str, Any]:
    """Return a result's stamp; empty if it is missing or cannot be read."""
    with contextlib.suppress(OSError, UserError):
        made = read_json(stamp_of(path), "sha256")
        return dict(made)
    return {}


def _misfit_of(path: Path, product: Product, digests: Digests) -> str:
    digest = digests.of(path)
    if digest is None:
        return NO_RESULT
    made = read_stamp(path)
    if not made:
        return UNSTAMPED
    if made.get("sha256") != digest:
        return DAMAGED
    return _change(made, product, digests)


def _change(made: Mapping[str, Any], product: Product, digests: Digests) -> str:
    """Return how a stamp differs from what would make the product now; "" if it does not."""
    recipe = product.recipe
    wanted = json.loads(json.dumps(recipe.settings))
    if made.get("settings") != wanted:
        return _difference(made.get("settings"), wanted)
    if made.get("code") != recipe.code:
        return _changed_code(made.get("modules"), recipe.modules)
    now = {str(path): digests.of(path) for path in product.inputs}
    before = made.get("inputs")
    if not isinstance(before, Mapping):
        return UNSTAMPED
    changed = [path for path, digest in now.items() if digest and before.get(path) != digest]
    gone = sorted(before.keys() - now.keys())
    return f"{_named(changed or gone)} changed" if changed or gone else ""


def _difference(before: object, now: object, key: str = "") -> str:
    """Return how two plain values differ, key by key: "epochs 1 → 2"."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        parts = [_difference(before.get(name), now.get(name), str(name)) for name in keys]
        return _named(parts)
    return f"{key} {_short(before)} → {_short(now)}".strip()


def _short(value: object) -> str:
    text = "none" if value is None else json.dumps(value) if not isinstance(value, str) else value
    longest = 40
    return text if len(text) <= longest else f"{text[:longest]}…"


def _changed_code(before: object, now: Mapping[str, str]) -> str:
    known = before if isinstance(before, Mapping) else {}
    changed = [name for name, digest in now.items() if known.get(name) != digest]
    return f"code of {_named(changed or sorted(known.keys() - now.keys()))}".strip()


def _named(names: Iterable[str]) -> str:
    every = list(names)
    rest = f" and {len(every) - MAX_NAMED} more" if len(every) > MAX_NAMED else ""
    return ", ".join(every[:MAX_NAMED]) + rest
