"""Reads `params.yaml` and `--config`, and names what is wrong in them with its file and key."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, datasets, figure_needs
from latentgrid.grid.better import larger_is_better
from latentgrid.grid.messages import EntryError, shown, shown_key
from latentgrid.grid.plugins import choose
from latentgrid.grid.schema import Params, keys_of
from latentgrid.grid.study_folders import study_folders, study_names
from latentgrid.grid.yaml_files import parsed, read_yaml

MAX_LINES = 5
COMMAND_LINE = "--config"
Sources = Mapping[str, Mapping[str, Any]]


def load(paths: Iterable[Path] = (Path("params.yaml"),), given: Iterable[str] = ()) -> Params:
    """Read one or more YAML files, later ones over earlier ones, then what `--config` gave.

    Args:
        paths: of the files.
        given: texts `key=value`; each value is YAML. Snakemake's own reading of them is ignored, as
            it uses another version of YAML, in which a nested 1e-4 is a text.

    Raises:
        UserError: a file is missing or no YAML, or a value is wrong; the text names the file or
            `--config`, the key, what stood there and what is allowed.
    """
    sources = {str(path): read_yaml(Path(path)) for path in paths}
    for text in given:
        sources[COMMAND_LINE] = _merged(sources.get(COMMAND_LINE, {}), read_entry(text))
    return _checked(sources)


def load_plugins(paths: Iterable[Path], studies: Sequence[str] = ()) -> None:
    """Choose the plugins that YAML files name, whatever else is in the files.

    Args:
        paths: of the files.
        studies: whose files are plugins too, instead of the studies that the YAML files name.

    Raises:
        UserError: a file is missing or no YAML, or something is wrong with a plugin.
    """
    sources = {str(path): read_yaml(Path(path)) for path in paths}
    named = {"studies": list(studies)} if studies else {}
    _use_plugins(sources, _all_of(sources) | named)


def check(raw: Mapping[str, Any], origin: str) -> Params:
    """Return `raw` as checked parameters; `origin` is the file that error messages name."""
    return _checked({origin: raw})


def _checked(sources: Sources) -> Params:
    raw = _all_of(sources)
    _use_plugins(sources, raw)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        lines = [_sentence(sources, problem) for problem in error.errors()]
        if len(lines) > MAX_LINES:
            lines[MAX_LINES - 1 :] = [f"{len(lines) - MAX_LINES + 1} more mistakes"]
        raise UserError("\n       ".join(lines)) from None


def _all_of(sources: Sources) -> dict[str, Any]:
    """Return the content of all sources, later ones over earlier ones."""
    raw: dict[str, Any] = {}
    for content in sources.values():
        raw = _merged(raw, content)
    return raw


def _use_plugins(sources: Sources, raw: Mapping[str, Any]) -> None:
    """Choose the plugins first, as other values depend on them; ignore what is no list of names.

    The folder of a study may hold files of the same kinds.
    """
    try:
        choose(_names(raw.get("plugins")), _folders_of_studies(raw.get("studies", "all")))
    except UserError as error:
        key = str(error).partition(":")[0]
        origin = _origin(sources, [key])
        raise UserError(f"{origin}: {error}" if origin else str(error)) from None
    catalogue.read_plugins()
    figure_needs.require_known()
    larger_is_better()


def _names(named: object) -> list[str]:
    """Return a list of names without empty ones; what is no such list has none."""
    is_list = isinstance(named, list) and all(isinstance(name, str) for name in named)
    return list(filter(None, cast("list[str]", named))) if is_list else []


def _folders_of_studies(named: object) -> list[Path]:
    return study_folders(study_names() if named == "all" else _names(named))


def read_entry(text: str) -> dict[str, Any]:
    """Return the key and value of one `key=value` of a command line."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UserError(f"{COMMAND_LINE}: found {shown(text)}; allowed: key=value")
    return {key: parsed(value, f"{COMMAND_LINE}: {shown_key(key)}")}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `over` into a copy of `base`: YAML's aliases share parts, which must not change."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _sentence(sources: Sources, problem: Any) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, EntryError):
        return f"{_origin(sources, cause.key.partition('[')[0].split('.'))}: {cause}"
    place = problem["loc"]
    origin = _origin(sources, place)
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{shown_key(p)}" for p in place).lstrip(".")
    match problem["type"]:
        case "missing":
            found = "is missing"
        case "extra_forbidden" | "invalid_key":
            found, place = f"unknown key, found {shown(problem['input'])}", place[:-1]
        case _:
            found = f"found {shown(problem['input'])}"
    return f"{origin}: {key}: {found}; allowed: {_allowed(place)}"


def _origin(sources: Sources, place: Sequence[str | int]) -> str:
    """Return the name of the source of the value at a place: the last source that has it.

    If none has it, so that the value is missing, return the names of all.
    """
    holding = [name for name, content in sources.items() if _holds(content, place)]
    return holding[-1] if holding else " + ".join(sources)


def _holds(content: Any, place: Sequence[str | int]) -> bool:
    for part in place:
        if not isinstance(content, Mapping):
            break  # the rest of the place is inside this value
        if part not in content:
            return False
        content = content[part]
    return True


def _allowed(place: Sequence[str | int]) -> str:
    """Return in words what is allowed at a place in `params.yaml`: keys, or a kind of value."""
    section: Any = Params
    none: Sequence[Any] = ()
    if place[:1] in NAMED:
        return NAMED[place[:1]]()
    for part in place:
        field = section.model_fields[part]
        if field.description:
            return str(field.description)
        section, *none = get_args(field.annotation) or (field.annotation,)
    return f"the keys {', '.join(keys_of(section))}{', or null for none' if none else ''}"


# Functions, because what is allowed there depends on the plugins, which are chosen later.
NAMED: Mapping[Sequence[str | int], Callable[[], str]] = {
    ("dataset",): datasets.in_words,
    ("models",): lambda: f"at least one of {', '.join(catalogue.models())}, each with its axes",
}
