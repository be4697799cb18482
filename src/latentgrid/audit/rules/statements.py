"""Places of a study say different things of one fact: text against table against code.

The study's file lists what each place says; places that say the same, but for case and spaces,
agree, and so do numbers of the same value. `holds` is the place that is right, if it is known.
There is no chance in this: it can only be wrong where the study's file is.
"""

from collections.abc import Iterator

from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.reading import line_of
from latentgrid.studies.schema import Statement
from latentgrid.studies.study import Study

TITLE = "Places that disagree"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each fact on which the study's places disagree."""
    path = study.folder / "study.yaml"
    for position, statement in enumerate(study.facts.statements):
        if not disagree(statement):
            continue
        told = "; ".join(f"{place}: {said}" for place, said in statement.said.items())
        holds = f". Right is: {statement.holds}" if statement.holds else ""
        effect = f" ({statement.effect})" if statement.effect else ""
        yield Finding(
            "statements",
            Place(path, line_of(path, ("statements", position)), ", ".join(statement.said)),
            f"{statement.about} – {told}{holds}{effect}",
        )


def disagree(statement: Statement) -> bool:
    """Tell whether the places of a fact say different things."""
    return len(set(map(_plain, statement.said.values()))) > 1


def _plain(said: str | int | float) -> str | float:
    """Return what is said without what makes no difference."""
    try:
        return float(said)
    except ValueError:
        return " ".join(str(said).casefold().split())
