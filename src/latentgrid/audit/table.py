"""The findings of studies as a table, `audit.csv`."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from latentgrid.audit.examine import RULES
from latentgrid.audit.false_alarms import in_words
from latentgrid.audit.finding import Finding
from latentgrid.files.atomic import replacing
from latentgrid.files.cells import as_cell

COLUMNS = (
    *("study", "rule", "title", "file", "line", "table", "setting"),
    *("about", "finding", "false_alarms"),
)


def write(path: Path, found: Mapping[str, Sequence[Finding]]) -> None:
    """Replace `path` by a table with a row for each finding, in the order of studies and rules.

    Args:
        path: the file.
        found: the findings by the name of the study.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for study, findings in found.items():
            table.writerows(map(as_cell, _row(study, finding)) for finding in findings)


def _row(study: str, finding: Finding) -> tuple[str | int, ...]:
    place = finding.place
    rule = finding.rule
    where = (str(place.file), place.line, place.table, place.setting)
    return (study, rule, RULES[rule].TITLE, *where, finding.about, finding.says, in_words(rule))
