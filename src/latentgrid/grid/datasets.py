"""What `dataset:` in `params.yaml` names: a data set, or a reader with its options.

A data set with a file of its own in `data/sources` is a name. All others are read by a reader, a
file in `data/readers`: the arguments of its class's constructor are its options, and the first of
them has the reader's name, as in `{folder: flowers, resize: 64}`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, components
from latentgrid.grid.hyperparameters import Files
from latentgrid.grid.messages import EntryError, allowed, shown, shown_key
from latentgrid.grid.yaml_files import parsed

KEY = "dataset"
READ_FROM = "read from"  # the entry of a data set's description that has `Source.given`
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
MAX_NAME_LENGTH = 100
EXAMPLE = "{folder: flowers, resize: 64}"


@dataclass(frozen=True)
class Source:
    """Where the images of a data set come from.

    Attributes:
        name: of its folders below data/ and results/ and of its experiment in MLflow.
        reader: the name of its reader; empty for a data set that has a file of its own.
        options: what the reader's constructor is given; none for a file of its own.
        named: the name that the user gave it instead of the one made of the options.
    """

    name: str
    reader: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    named: bool = False

    @property
    def component(self) -> tuple[str, str]:
        """Kind and name of the component that reads it."""
        return ("readers", self.reader) if self.reader else ("datasets", self.name)

    @property
    def given(self) -> Any:
        """What `dataset:` may say to mean this."""
        if not self.reader:
            return self.name
        return {**self.options, **({"name": self.name} if self.named else {})}

    @property
    def text(self) -> str:
        """The name, or of a reader its options as JSON; `of_text` reads it."""
        return json.dumps(self.given, ensure_ascii=False) if self.reader else self.name

    @property
    def files(self) -> list[str]:
        """The files and folders of the user's that are read."""
        types = catalogue.options_schema(self.reader).model_fields if self.reader else {}
        return [
            value
            for name, value in self.options.items()
            if any(isinstance(mark, Files) for mark in types[name].metadata)
        ]


def of_text(text: str) -> Source:
    """Return the data set of a `Source.text`.

    Raises:
        UserError: there is no such data set.
    """
    try:
        return read(json.loads(text) if text.startswith("{") else text)
    except EntryError as error:
        raise UserError(str(error)) from None


def read(given: object) -> Source:
    """Return the data set that a value of `dataset:` means.

    A reader with NAMES can be left out: `cifar10` is `{torchvision: CIFAR10}`, and so is a name
    with options, `cifar10,grey=True`, which is what results call it.

    Raises:
        EntryError: there is none; the text names the key and what is allowed.
    """
    if isinstance(given, str):
        return _of_name(given)
    if not isinstance(given, Mapping):
        raise EntryError(KEY, f"found {shown(given)}", in_words())
    readers = [reader for reader in components.names("readers") if reader in given]
    if len(readers) != 1:
        found = f"found {shown(dict(given))}"
        keys = " or ".join(components.names("readers"))
        raise EntryError(KEY, found, f"one of the keys {keys}, as in {EXAMPLE}; or {in_words()}")
    [reader] = readers
    options = _checked(reader, {key: value for key, value in given.items() if key != "name"})
    if "name" in given:
        return Source(_own_name(given["name"]), reader, options, named=True)
    return Source(_name(reader, options), reader, options)


def said_of(layout: Layout) -> Any:
    """Return what `dataset:` said of a data set whose folders these are, as its description has it.

    Of a data set that was not fetched here it is the name.
    """
    told = read_json(layout.description) if layout.description.exists() else {}
    return told.get(READ_FROM, layout.dataset)


def shorthands() -> dict[str, tuple[str, str]]:
    """Return the reader and the first option of each data set that a reader knows by name."""
    return {
        name.lower(): (reader, name)
        for reader in components.names("readers")
        for name in own_names(reader)
        if name.lower() not in components.names("datasets")
    }


def names() -> tuple[str, ...]:
    """Return all names of data sets, sorted."""
    return tuple(sorted({*components.names("datasets"), *shorthands()}))


def _of_name(given: str) -> Source:
    if given in components.names("datasets"):
        return Source(given)
    name, *pairs = given.split(",")
    if name not in shorthands():
        raise EntryError(KEY, f"found {shown(given)}", in_words())
    reader, first = shorthands()[name]
    options = {reader: first}
    for pair in pairs:
        option, _, value = pair.partition("=")
        options[option] = parsed(value, f"{KEY}: {shown_key(option)}")
    options = _checked(reader, options)
    return Source(_name(reader, options), reader, options)


def in_words() -> str:
    """Return what `dataset:` may be."""
    return f"{', '.join(names())}; or a folder of images, as in {EXAMPLE}"


def own_names(reader: str) -> tuple[str, ...]:
    """Return the constant NAMES of a reader, the values that its first option may have."""
    file = components.file_of("readers", reader)
    return tuple(components.constant("readers", file, "NAMES") or ())


def _checked(reader: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reader's options in the constructor's order, without those at their defaults."""
    schema = catalogue.options_schema(reader).model_fields
    for option, value in given.items():
        if option not in schema:
            keys = ", ".join([*schema, "name"])
            key = f"{KEY}.{shown_key(option)}"
            raise EntryError(key, f"unknown key, found {shown(value)}", keys)
    options = {
        option: _value(option, schema[option], given[option])
        for option in schema
        if option in given
    }
    if own_names(reader):
        options[reader] = _spelled(reader, options[reader])
    return {
        option: value
        for option, value in options.items()
        if schema[option].is_required() or value != schema[option].default
    }


def _value(option: str, type_: FieldInfo, given: object) -> Any:
    kind: Any = Annotated[type_.annotation, *type_.metadata] if type_.metadata else type_.annotation
    try:
        return TypeAdapter[Any](kind).validate_python(given)
    except ValidationError:
        raise EntryError(f"{KEY}.{option}", f"found {shown(given)}", allowed(type_)) from None


def _spelled(reader: str, given: str) -> str:
    """Return a known name as it is spelled, whatever its case."""
    known = {name.lower(): name for name in own_names(reader)}
    if given.lower() in components.names("datasets"):
        raise EntryError(f"{KEY}.{reader}", f"found {shown(given)}", f"dataset: {given.lower()}")
    if given.lower() not in known:
        raise EntryError(f"{KEY}.{reader}", f"found {shown(given)}", ", ".join(known.values()))
    return known[given.lower()]


def _name(reader: str, options: Mapping[str, Any]) -> str:
    """Return the name made of a reader's options: the first one's last part, then the others."""
    first, *others = (options[reader], *(pair for pair in options.items() if pair[0] != reader))
    word = re.sub(r"[^a-z0-9_.-]+", "_", _last_part(str(first)).lower()).strip("_.-")
    name = ",".join([word, *(f"{option}={value}" for option, value in others)])
    is_taken = word in names() and not own_names(reader)
    if is_taken or not word or len(name) > MAX_NAME_LENGTH or "/" in name:
        raise EntryError(KEY, f"makes the name {shown(name)}", f"the key name: {_names_allowed()}")
    return name


def _last_part(text: str) -> str:
    try:
        return Path(text).expanduser().absolute().name
    except (OSError, RuntimeError) as error:
        raise EntryError(KEY, f"found {shown(text)}: {one_line(error)}", "a folder") from None


def _own_name(given: object) -> str:
    fits = isinstance(given, str) and NAME.fullmatch(given) and len(given) <= MAX_NAME_LENGTH
    if not fits or given in names():
        raise EntryError(f"{KEY}.name", f"found {shown(given)}", _names_allowed())
    return str(given)


def _names_allowed() -> str:
    return (
        "letters and digits, with _ . - between them, all lower-case, "
        f"{MAX_NAME_LENGTH} at most, and no data set's name"
    )
