"""Published numbers by their place on the axes of their grid."""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal

from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Quantity
from latentgrid.studies.study import Study

Setting = tuple[Hashable, ...]


def setting_of(study: Study, number: Number) -> Setting:
    """Return the values of a number's settings, by our names, in the order of the study's axes."""
    return tuple(
        number.settings.get(axis, study.ours(axis, number.printed_settings.get(axis, "")))
        for axis in study.facts.settings
    )


def by_quantity(study: Study) -> dict[str, list[Number]]:
    """Return the numbers of each quantity, in the order of the file."""
    found: dict[str, list[Number]] = {name: [] for name in study.facts.quantities}
    for number in study.numbers:
        found[number.quantity].append(number)
    return found


def without_excess(study: Study, number: Number) -> float:
    """Return a number less the part that says nothing about the model."""
    return number.value - study.excess(number)


def grid_of(study: Study, numbers: Sequence[Number]) -> Mapping[Setting, Number]:
    """Return the numbers of a quantity by their place: table and model are one axis, then settings.

    Of two numbers at one place, the first counts: these have no setting that tells them apart.
    """
    grid: dict[Setting, Number] = {}
    for number in numbers:
        grid.setdefault(((number.table, number.model), *setting_of(study, number)), number)
    return grid


def whole(quantity: Quantity) -> int:
    """Return the mean of cases that are all 1, in a quantity's unit: 100 for per cent, else 1."""
    return 100 if "%" in quantity.unit else 1


def significant_digits(printed: str) -> int:
    """Return how many digits are printed, without leading zeros: 5 for 62.210."""
    return len(Decimal(printed).as_tuple().digits)


def decimals(printed: str) -> int:
    """Return how many digits stand behind the point, less the exponent: 2 for 60.11."""
    return -int(Decimal(printed).as_tuple().exponent)
