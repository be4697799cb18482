"""Says which study describes a component, and names studies in a text by author and year."""

import re
from collections.abc import Iterable

from latentgrid.studies.items import Item, read_items
from latentgrid.studies.study import Study

# An alias of digits where a text cites it: "source 000", "Sources 001 and 003", "000, eq. 5".
CITED = re.compile(r"(?:\b[Ss]ources?\s+)?(?<![\w.,])(\d{3})(?!\w|[.,]\d)")


def by_author(text: str, studies: Iterable[Study]) -> str:
    """Return a text that names studies by their alias, such as "source 000", by author and year.

    Numbers that are no alias of a study, and "source" before them, stay.
    """
    cited = {alias: study.cited for study in studies for alias in study.facts.aliases}
    return CITED.sub(lambda found: cited.get(found[1], found[0]), text)


def described_in(kind: str, name: str, studies: Iterable[Study]) -> str:
    """Return where studies describe a component: "Vizoso 2020 (section 6.3.1); Pérez 2022 (…)".

    Empty if none does. A hyperparameter speaks of its model.

    Raises:
        UserError: a study's items cannot be read.
    """
    found = []
    for study in studies:
        places = [item.place for item in read_items(study) if _is_of(item, kind, name)]
        if places:
            found.append(f"{study.cited} ({'; '.join(dict.fromkeys(places))})")
    return "; ".join(found)


def _is_of(item: Item, kind: str, name: str) -> bool:
    return any(
        (one.kind, one.name) == (kind, name)
        or (kind == "model" and one.kind == "hyperparameter" and one.name.startswith(f"{name}."))
        for one in item.covered_by
    )
