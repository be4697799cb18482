"""Finds components by their names: models, data sets, measures, figures and so on.

A component is one file, in this package or in a plugin folder, and has the file's name. Files are
parsed here and not run, so that nothing heavy is imported. A file whose name begins with _ is no
component: it has code that components share.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid import plugins

NAME = re.compile(r"[a-z][a-z0-9_]*")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Form:
    """What the value of a constant may be.

    Attributes:
        words: what it may be, in words.
        fits: tells whether a value is so.
    """

    words: str
    fits: Callable[[Any], bool]


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple | list | set) and all(isinstance(one, str) for one in value)


TEXT = Form("a text", lambda value: isinstance(value, str))
TEXTS = Form('a tuple of texts, as in ("encode",)', _are_texts)
NUMBER = Form("a number", lambda value: isinstance(value, int | float))
FLAG = Form("True or False", lambda value: isinstance(value, bool))


@dataclass(frozen=True)
class Kind:
    """A kind of component.

    Attributes:
        folder: the folder of this package's components; empty if it has none.
        defines: the functions and constants that each file must have.
        has_class: whether each file must have a class with a docstring.
        constants: what the constants may be that are read without running the file.
    """

    folder: str
    defines: tuple[str, ...] = ()
    has_class: bool = False
    constants: Mapping[str, Form] = field(default_factory=dict)


# The kinds by the name of their folder in a plugin folder.
KINDS = {
    "models": Kind("models"),
    "datasets": Kind("data/sources", ("SIZE", "load"), constants={"SAME_FROM_ANY_MIRROR": FLAG}),
    "readers": Kind(
        "data/readers", has_class=True, constants={"NAMES": TEXTS, "SAME_FROM_ANY_MIRROR": FLAG}
    ),
    "corruptions": Kind("data/corruptions", ("corrupt",)),
    "optimizers": Kind("training/optimizers", has_class=True, constants={"IN_TURN": FLAG}),
    "schedules": Kind("training/schedules", ("factor",)),
    "measures": Kind("evaluation/measures", ("measure",), constants={"MEASURES": TEXTS}),
    "experiments": Kind("experiments", ("run",)),
    "claims": Kind("", ("CLAIM", "SOURCE", "examine"), constants={"CLAIM": TEXT, "SOURCE": TEXT}),
    "figures": Kind(
        "figures/comparisons",
        ("CAPTION", "draw"),
        constants={
            **dict.fromkeys(("TITLE", "SECTION", "CAPTION", "CLAIM"), TEXT),
            **dict.fromkeys(("CLAIM_ON", "NEEDS", "READS"), TEXTS),
            "PLACE": NUMBER,
            "ANIMATED": FLAG,
        },
    ),
}


def names(kind: str) -> tuple[str, ...]:
    """Return the names of all components of a kind, sorted."""
    return tuple(sorted(_files(kind)))


def file_of(kind: str, name: str) -> Path:
    """Return the file of a component.

    Raises:
        UserError: there is no component of this name.
    """
    if name not in _files(kind):
        raise UserError(f"{name}: unknown; allowed {kind}: {', '.join(names(kind))}")
    return _files(kind)[name]


def module_of(kind: str, name: str) -> str:
    """Return the name of a component's module, such as `latentgrid.models.vae`.

    Raises:
        UserError: there is no component of this name.
    """
    file = file_of(kind, name)
    for root in plugins.roots():
        if file.is_relative_to(root.folder):
            plugins.make_importable()
            return f"{root.package}.{kind}.{name}"
    return ".".join([plugins.PACKAGE, *KINDS[kind].folder.split("/"), name])


def of_plugins() -> list[tuple[str, str]]:
    """Return kind and name of each component that lies in a plugin folder."""
    own = plugins.PACKAGE_FOLDER
    return [
        (kind, name)
        for kind in KINDS
        for name, file in _files(kind).items()
        if not file.is_relative_to(own)
    ]


def _files(kind: str) -> Mapping[str, Path]:
    return _found(kind, os.environ.get(plugins.CHOSEN, ""))


@cache
def _found(kind: str, chosen: str) -> Mapping[str, Path]:
    """Return each component's file by its name; `chosen` says which plugins there are.

    Raises:
        UserError: two files have the same name.
    """
    found: dict[str, Path] = {}
    for folder, named in _folders(kind):
        for file in named or sorted(filter(Path.is_file, folder.glob("[!_.]*.py"))):
            if file.stem in found:
                raise UserError(
                    f"{plugins.shown(found[file.stem])} and {plugins.shown(file)} have one name; "
                    f"rename one"
                )
            found[file.stem] = file
    return MappingProxyType(found)


def _folders(kind: str) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder with components of a kind, and its files that count; none means all."""
    if KINDS[kind].folder:
        yield plugins.PACKAGE_FOLDER / KINDS[kind].folder, []
    for root in plugins.roots():
        folder = root.folder / kind
        named = [file for file in root.files if file.parent == folder]
        if named or not root.files:
            yield folder, named


def require_sound_plugins() -> None:
    """Refuse files in plugin folders that would not be found, or whose edits nobody would see.

    Raises:
        UserError: the text names the file and what is wrong with it.
    """
    for root in plugins.roots():
        if not root.files and not any((root.folder / kind).is_dir() for kind in KINDS):
            raise UserError(
                f"plugins: {plugins.shown(root.folder)}: has no folder of a kind; allowed: "
                f"{', '.join(KINDS)}"
            )
        below = (path for kind in KINDS for path in (root.folder / kind).glob("[!_.]*"))
        every = [*root.folder.glob("[!_.]*"), *filter(Path.is_dir, below)]
        for path in root.files or sorted(every):
            _require_kind(root, path)
        for file in sorted(root.folder.rglob("*.py")):
            _require_known_imports(file)
    for kind, name in of_plugins():
        _require_defined(kind, file_of(kind, name))


def _require_kind(root: plugins.Root, path: Path) -> None:
    """Refuse a file in a plugin folder that is in no folder of a kind."""
    kind = path.parent.name if path.is_file() else path.name
    is_code = path.suffix == ".py" if path.is_file() else any(path.rglob("*.py"))
    if is_code and (kind not in KINDS or path.parents[path.is_file()] != root.folder):
        raise UserError(
            f"{plugins.shown(path)}: lies in no folder of a kind; allowed: {', '.join(KINDS)}, and "
            f"for code that they share a name that begins with _"
        )


def _require_known_imports(file: Path) -> None:
    """Refuse imports of the project's other files, as an edit of these would make nothing again."""
    for line in ast.walk(ast.Module(statements(file), [])):
        if isinstance(line, ast.Import):
            imported = [name.name for name in line.names]
        elif isinstance(line, ast.ImportFrom) and not line.level:
            imported = [str(line.module)]
        else:
            continue
        for module in imported:
            place = Path(module.partition(".")[0])
            if not plugins.is_ours(module) and (place.is_dir() or Path(f"{place}.py").is_file()):
                raise UserError(
                    f"{plugins.shown(file)}, line {line.lineno}: imports {module}, which is no "
                    f"part of a plugin folder; move it there, as its edits would not be seen"
                )


def _require_defined(kind: str, file: Path) -> None:
    if not NAME.fullmatch(file.stem):
        raise UserError(
            f"{plugins.shown(file)}: unfit name; allowed: a letter, then letters, digits and _, "
            f"all lower-case"
        )
    lines = statements(file)
    defined = {name for line in lines for name in _set_by(line)}
    for name in KINDS[kind].defines:
        if name not in defined:
            raise UserError(f"{plugins.shown(file)}: has no {name}, which each of {kind} has")
    for name in KINDS[kind].constants:
        constant(kind, file, name)
    if KINDS[kind].has_class:
        classes = [line for line in lines if isinstance(line, ast.ClassDef)]
        if not any(map(ast.get_docstring, classes)):
            raise UserError(
                f"{plugins.shown(file)}: needs a class with a docstring, which says what it is"
            )


def _set_by(part: ast.AST) -> Iterator[str]:
    """Yield the names that a statement sets, in its branches too; "*" for an import of all."""
    match part:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield part.name
        case ast.Import() | ast.ImportFrom():
            yield from (name.asname or name.name for name in part.names)
        case ast.Name(ctx=ast.Store()):
            yield part.id
        case ast.AnnAssign(value=None) | ast.Lambda():
            return
        case _ if not isinstance(part, COMPREHENSIONS):
            for inner in ast.iter_child_nodes(part):
                yield from _set_by(inner)


@cache
def statements(file: Path) -> list[ast.stmt]:
    """Return the statements of a file.

    Raises:
        UserError: it is not valid Python; the text names the line.
    """
    place = plugins.shown(file)
    try:
        return ast.parse(file.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        where = f"{place}, line {error.lineno}" if error.lineno else place
        raise UserError(f"{where}: is not valid Python: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"{place}: is no text in UTF-8 ({error})") from None


def constant(kind: str, file: Path, name: str) -> Any:
    """Return the value of a constant of a component's file, or None if it is None or not set.

    Raises:
        UserError: the value cannot be read without running the file, or is of another form.
    """
    value = value_in(file, statements(file), name)
    if value is None or ast.unparse(value) == "None":
        return None
    return plain(file, name, value, KINDS[kind].constants[name])


def value_in(file: Path, lines: list[ast.stmt], name: str) -> ast.expr | None:
    """Return what statements of a file or class set a constant to, or None if they do not.

    Raises:
        UserError: they do not set it by one line of its own.
    """
    setting = [line for line in lines if not {name, "*"}.isdisjoint(_set_by(line))]
    match setting:
        case []:
            return None
        case [ast.Assign(targets=[ast.Name()], value=value)]:
            return value
        case [ast.AnnAssign(value=ast.expr() as value)]:
            return value
    wrong = setting[-1]
    found, *_ = ast.unparse(wrong).splitlines()
    raise UserError(
        f"{plugins.shown(file)}, line {wrong.lineno}: found {found}; allowed: {name} set once, by "
        f"a line {name} = … in this file, as it is read without running the file"
    )


def plain(file: Path, what: str, value: ast.expr, form: Form | None = None) -> Any:
    """Return the value of a literal in a file.

    Raises:
        UserError: it cannot be read without running the file, or is of another form.
    """
    place, found = plugins.shown(file), ast.unparse(value)
    try:
        read = ast.literal_eval(value)
    except (ValueError, TypeError):
        raise UserError(f"{place}: {what} {found}: must be a plain value") from None
    if form and not form.fits(read):
        raise UserError(f"{place}: {what}: found {found}; allowed: {form.words}")
    return read
