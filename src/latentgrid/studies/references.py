"""Names what covers an item of a study, such as `model:vae`, and tells whether it exists.

| reference | what it is |
|---|---|
| `model:vae`, `figure:latent`, `optimizer:adam` and so on for each kind | a component |
| `claim:adam` | a claim of the study |
| `table:VII.1` | a table of the study whose numbers get verdicts |
| `hyperparameter:conv_ae.padding`, `…=reflect` | a setting of a model, or one of its values |
| `key:evaluation.judge` | a key of `params.yaml` |
| `entry:config/models.yaml:vae` | an entry of a configuration's `models:` |
| `command:audit` | a command of `latentgrid` |
| `file:docs/audit.md`, `….md#heading`, `….py::name` | a file of the project, a part of it |
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import BaseModel, ValidationError

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, components, plugins, schema
from latentgrid.grid.messages import allowed
from latentgrid.grid.yaml_files import read_yaml
from latentgrid.studies.settings import fields, from_text
from latentgrid.studies.study import Study

# The kinds of components by how a reference calls one of them.
COMPONENTS = {
    kind.removesuffix("s"): kind
    for kind in components.KINDS
    if kind != "claims"  # these belong to studies
}
CLI = plugins.PACKAGE_FOLDER / "cli.py"
ANCHOR = re.compile(r'<a id="([^"]+)">')


@dataclass(frozen=True)
class Reference:
    """What covers an item.

    Attributes:
        kind: what it is, such as "model".
        name: which one.
    """

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "model:vae".

        Raises:
            ValueError: it has another form or an unknown kind; the text says what is allowed.
        """
        kind, colon, name = text.partition(":")
        if kind not in CHECKS or not colon or not name:
            forms = ", ".join(f"{kind}:…" for kind in CHECKS)
            raise ValueError(f"found {text}; allowed: {forms}, with spaces between them")
        return cls(kind, name)

    def __str__(self) -> str:
        """The reference as the file has it."""
        return f"{self.kind}:{self.name}"


def named_in(text: str) -> Iterator[Reference]:
    """Yield the references in a text."""
    for word in re.findall(rf"\b(?:{'|'.join(CHECKS)}):[^\s,;]*\w", text):
        yield Reference.parse(word)


def why_missing(reference: Reference, study: Study) -> str:
    """Return why there is no such thing, with what is allowed; empty if there is."""
    return CHECKS[reference.kind](reference.name, study)


def stated_claims(study: Study) -> dict[str, tuple[str, str]]:
    """Return what each claim of a study says and where, by its name; claims in files come last."""
    stated = {name: (claim.says, claim.place) for name, claim in study.facts.claims.items()}
    for file in sorted(study.folder.glob("claims/[!_.]*.py")):
        says, place = (
            components.constant("claims", file, name) or "" for name in ("CLAIM", "SOURCE")
        )
        stated[file.stem] = says, place
    return stated


def _component(kind: str) -> Callable[[str, Study], str]:
    return lambda name, _: _one_of(name, components.names(kind))


def _claim(name: str, study: Study) -> str:
    return _one_of(name, stated_claims(study))


def _table(name: str, study: Study) -> str:
    return _one_of(name, study.facts.tables)


def _hyperparameter(text: str, study: Study) -> str:
    path, _, value = text.partition("=")
    model, _, name = path.partition(".")
    if reason := _one_of(model, catalogue.models()):
        return reason
    if reason := _one_of(name, fields(model)):
        return f"{model}: {reason}"
    field = fields(model)[name]
    try:
        if value:
            from_text(field, value)
    except ValidationError:
        return f"unknown value; allowed: {allowed(field)}"
    return ""


def _key(path: str, study: Study) -> str:
    section: Any = schema.Params
    for name in path.split("."):
        keys = section.model_fields if section else {}
        if reason := _one_of(name, keys):
            return reason
        kinds = (keys[name].annotation, *get_args(keys[name].annotation))
        section = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
    return ""


def _entry(text: str, study: Study) -> str:
    file, _, name = text.rpartition(":")
    if reason := _file(file, study):
        return reason
    entries = read_yaml(Path(file)).get("models")
    return _one_of(name, entries if isinstance(entries, dict) else {})


def _command(name: str, study: Study) -> str:
    return _one_of(name, commands())


def commands() -> list[str]:
    """Return the names of the commands of `latentgrid`, read from its file."""
    return [
        _command_name(line)
        for line in components.statements(CLI)
        if isinstance(line, ast.FunctionDef) and _command_call(line)
    ]


def _command_call(function: ast.FunctionDef) -> ast.Call | None:
    """Return the call of `app.command` that decorates a function."""
    calls = (one for one in function.decorator_list if isinstance(one, ast.Call))
    return next((one for one in calls if ast.unparse(one.func) == "app.command"), None)


def _command_name(function: ast.FunctionDef) -> str:
    call = _command_call(function)
    named = call.args if call else []
    return str(ast.literal_eval(named[0])) if named else function.name.replace("_", "-")


def _file(text: str, study: Study) -> str:
    path, _, name = text.partition("::")
    path, _, heading = path.partition("#")
    file = Path(path)
    if file.is_absolute() or ".." in file.parts or not file.is_file():
        return "no such file in the project"
    if name and not re.search(rf"^\s*(?:def|class) {re.escape(name)}\b", _text(file), re.M):
        return f"{path} defines no {name}"
    if heading and heading not in anchors(_text(file)):
        return f"{path} has no heading #{heading}"
    return ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise UserError(f"{file}: cannot be read as a text") from None


def anchors(page: str) -> set[str]:
    """Return the anchors of a page in Markdown, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    made = {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}
    return made | {*ANCHOR.findall(page)}


def _one_of(name: str, known: Any) -> str:
    return "" if name in known else f"unknown; allowed: {', '.join(known) or 'none'}"


CHECKS: dict[str, Callable[[str, Study], str]] = {
    **{name: _component(kind) for name, kind in COMPONENTS.items()},
    "claim": _claim,
    "table": _table,
    "hyperparameter": _hyperparameter,
    "key": _key,
    "entry": _entry,
    "command": _command,
    "file": _file,
}
