"""The values that settings of models can have."""

from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from latentgrid.grid import catalogue

NUMBERS = (int, float)


def fields(model: str) -> dict[str, FieldInfo]:
    """Return what a model and its training can be set to, by setting."""
    found: dict[str, FieldInfo] = catalogue.settings_schema(model).model_fields
    return found


def all_fields() -> dict[str, list[FieldInfo]]:
    """Return each setting of any model, with what it can be in each model that has it."""
    found: dict[str, list[FieldInfo]] = {}
    for model in catalogue.models():
        for name, field in fields(model).items():
            found.setdefault(name, []).append(field)
    return found


def from_text(field: FieldInfo, text: str) -> Any:
    """Return the value of a setting that a text holds; "2" and "2.0" are the same number.

    Raises:
        ValidationError: it is no such value.
    """
    return TypeAdapter[Any](_type_of(field)).validate_python(text)


def is_value(field: FieldInfo, value: object) -> bool:
    """Tell whether a setting can have a value; a text is no number."""
    try:
        TypeAdapter[Any](_type_of(field)).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def is_number(field: FieldInfo) -> bool:
    """Tell whether the values of a setting are numbers."""
    return field.annotation in NUMBERS


def _type_of(field: FieldInfo) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
