"""What the report says of the audit: the findings in studies, rule by rule."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from latentgrid.audit.table import COLUMNS
from latentgrid.files.atomic import read_rows
from latentgrid.files.layout import Layout

Row = Mapping[str, str]


def read_audit(layout: Layout) -> dict[str, dict[str, Sequence[Row]]]:
    """Return the findings by study and then by the title of the rule, in the order of the table.

    Raises:
        UserError: the table is damaged.
    """
    rows = read_rows(layout.audit, *COLUMNS)
    return {
        study: {title: list(found) for title, found in groupby(of_study, key=itemgetter("title"))}
        for study, of_study in groupby(rows, key=itemgetter("study"))
    }
