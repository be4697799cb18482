"""What the report says of the audit: the findings in studies, rule by rule, and what disagrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from latentgrid.audit.disagreements import STATED, Disagreements, disagreements
from latentgrid.audit.table import COLUMNS
from latentgrid.files.atomic import read_rows
from latentgrid.files.layout import Layout
from latentgrid.studies.study import Study

Row = Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What one rule finds in a study.

    Attributes:
        count: how many findings there are.
        false_alarms: how often the rule fires on sound studies, in words.
        groups: the findings on one claim, or a single finding that is on none.
    """

    count: int
    false_alarms: str
    groups: list[list[Row]]


def read_audit(layout: Layout) -> dict[str, dict[str, Found]]:
    """Return what is found by study and then by the title of the rule, in the order of the table.

    What the studies' files state is left out: pages show it by `disagreements`.

    Raises:
        UserError: the table is damaged.
    """
    rows = [row for row in read_rows(layout.audit, *COLUMNS) if row["rule"] != STATED]
    return {
        study: {
            title: _found(list(of_rule))
            for title, of_rule in groupby(of_study, key=itemgetter("title"))
        }
        for study, of_study in groupby(rows, key=itemgetter("study"))
    }


def read_disagreements(layout: Layout, studies: Sequence[Study]) -> list[Disagreements]:
    """Return the studies of the data set whose places disagree, those with most facts first."""
    here = [disagreements(one) for one in studies if one.facts.dataset == layout.dataset]
    return sorted((one for one in here if one.stated), key=lambda one: -len(one.stated))


def _found(rows: Sequence[Row]) -> Found:
    groups: list[list[Row]] = []
    for row in rows:
        if row["about"] and groups and groups[-1][0]["about"] == row["about"]:
            groups[-1].append(row)
        else:
            groups.append([row])
    return Found(len(rows), rows[0]["false_alarms"], groups)
