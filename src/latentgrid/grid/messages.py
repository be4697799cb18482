"""How wrong values are shown, and what is allowed in their place."""

import reprlib
from typing import get_args

from pydantic.fields import FieldInfo

from latentgrid.errors import without_credentials
from latentgrid.grid.hyperparameters import NameOf

MAX_LENGTH = 60
# Aliases let a few lines of YAML stand for more than memory holds.
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxlist, SHOWN.maxdict = 3, 10, 10
SHOWN.maxstring = SHOWN.maxother = SHOWN.maxlong = 2 * MAX_LENGTH


class EntryError(ValueError):
    """A wrong value further down than pydantic can see."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key}: {found}; allowed: {allowed}")
        self.key = key


def allowed(field: FieldInfo) -> str:
    """Return in words what a hyperparameter may be."""
    choices = get_args(field.annotation)
    for named in field.metadata:
        if isinstance(named, NameOf):
            choices = named.names()
    return field.description or ", ".join(map(str, choices))


def shown_key(name: object) -> str:
    """Return a key as it stands in the file, or shown if it is long or would not be printed."""
    text = without_credentials(str(name))
    return text if text.isprintable() and len(text) <= MAX_LENGTH else shown(text)


def shown(value: object) -> str:
    """Return a value as messages show it: cut short, and without passwords."""
    if value is None:
        return "nothing"
    try:
        text = without_credentials(SHOWN.repr(value))
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
