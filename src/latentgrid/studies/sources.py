"""Says which study describes a component, and names studies in a text by author and year."""

import re
from collections.abc import Iterable

from latentgrid.studies.items import Item, read_items
from latentgrid.studies.study import Study

# An alias of digits where a text cites it: "source 000", or "003" in "sources 001 and 003".
CITED = re.compile(r"\b[Ss]ources?\s+(\d{3})\b|(?<![\w.,])(0\d\d)(?!\w|[.,]\d)")


def by_author(text: str, studies: Iterable[Study]) -> str:
    """Return a text that names studies by their alias, such as "source 000", by author and year.

    Numbers that are no alias of a study, and "source" before them, stay.
    """
    cited = {alias: study.cited for study in studies for alias in study.facts.aliases}
    return CITED.sub(lambda found: cited.get(found[1] or found[2], found[0]), text)


def places(kind: str, studies: Iterable[Study]) -> dict[str, str]:
    """Return where studies describe each component of a kind, such as "model", by its name.

    "Vizoso 2020 (section 6.3.1); Pérez 2022 (…)". A hyperparameter speaks of its model.

    Raises:
        UserError: a study's items cannot be read.
    """
    found: dict[str, dict[str, dict[str, None]]] = {}
    for study in studies:
        for item in read_items(study):
            for name in _named(item, kind):
                found.setdefault(name, {}).setdefault(study.cited, {})[item.place] = None
    return {
        name: "; ".join(f"{cited} ({'; '.join(at)})" for cited, at in of_studies.items())
        for name, of_studies in found.items()
    }


def _named(item: Item, kind: str) -> list[str]:
    return [
        one.name.partition(".")[0]
        for one in item.covered_by
        if one.kind == kind or (kind == "model" and one.kind == "hyperparameter")
    ]
