"""Prints what the audit finds in studies, rule by rule."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from latentgrid.audit.examine import RULES
from latentgrid.audit.false_alarms import in_words
from latentgrid.audit.finding import Finding
from latentgrid.studies.study import Study


def lines(study: Study, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what is found in a study, line by line; findings stand in the order of the rules."""
    yield f"{study.name}: {study.citation}"
    for rule, of_rule in groupby(findings, key=lambda finding: finding.rule):
        found = list(of_rule)
        yield ""
        yield f"  {RULES[rule].TITLE}: {len(found)} ({rule} {in_words(rule)})"
        for finding in found:
            yield f"    {finding.place}"
            yield f"        {finding.says}"
    if not findings:
        yield "  no finding"
