"""Texts in messages: wrong values, cut short, and the values allowed in their place."""

import reprlib
from typing import get_args

from pydantic.fields import FieldInfo

from latentgrid.errors import without_credentials
from latentgrid.grid.hyperparameters import NameOf

MAX_LENGTH = 60
# A few lines of YAML with aliases can expand to more text than fits into memory.
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxlist, SHOWN.maxdict = 3, 10, 10
SHOWN.maxstring = SHOWN.maxother = SHOWN.maxlong = 2 * MAX_LENGTH


class EntryError(ValueError):
    """A wrong value in a part of params.yaml that our own code checks and not pydantic."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key}: {found}; allowed: {allowed}")
        self.key, self.found, self.allowed = key, found, allowed

    def below(self, key: str) -> "EntryError":
        """Return the same error of an entry of another key's value."""
        return EntryError(f"{key}.{self.key}", self.found, self.allowed)


def allowed(field: FieldInfo) -> str:
    """Return the allowed values of a hyperparameter in words."""
    choices = get_args(field.annotation)
    for named in field.metadata:
        if isinstance(named, NameOf):
            choices = named.names()
    return field.description or ", ".join(map(str, choices))


def shown_key(name: object) -> str:
    """Return a key as it is, or as `shown` if it is long or has letters that cannot be printed."""
    text = without_credentials(str(name))
    return text if text.isprintable() and len(text) <= MAX_LENGTH else shown(text)


def shown(value: object) -> str:
    """Return a value as text for a message: cut short, and without passwords."""
    if value is None:
        return "nothing"
    try:
        text = without_credentials(SHOWN.repr(value))
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
