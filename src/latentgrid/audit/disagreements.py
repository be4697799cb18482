"""The facts on which a study's text, tables and code disagree, for pages.

What the study's file states is repeated; the audit's other rules compute the rest from its numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from latentgrid.audit.examine import RULES, examine
from latentgrid.audit.finding import Finding
from latentgrid.audit.rules import statements
from latentgrid.studies.schema import Statement
from latentgrid.studies.study import Study

STATED = "statements"  # the rule that repeats what the file states


@dataclass(frozen=True)
class Disagreements:
    """What disagrees in a study.

    Attributes:
        study: the study.
        stated: facts of which its places say different things, in the order of its file.
        computed: what else the audit finds, by the title of its rule; findings on one claim stand
            together.
    """

    study: Study
    stated: list[Statement]
    computed: dict[str, list[list[Finding]]]

    @property
    def count(self) -> int:
        """How many facts and findings there are."""
        found = (group for groups in self.computed.values() for group in groups)
        return len(self.stated) + sum(map(len, found))


def disagreements(study: Study) -> Disagreements:
    """Return what the file of a study states and what its numbers show."""
    found = [finding for finding in examine(study) if finding.rule != STATED]
    by_rule = {
        RULES[rule].TITLE: _together(list(of_rule))
        for rule, of_rule in groupby(found, key=lambda finding: finding.rule)
    }
    return Disagreements(study, list(filter(statements.disagree, study.facts.statements)), by_rule)


def _together(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Return the findings in groups on one claim; one that is on none is a group of its own."""
    groups = groupby(enumerate(findings), key=lambda pair: pair[1].about or pair[0])
    return [[finding for _, finding in group] for _, group in groups]
