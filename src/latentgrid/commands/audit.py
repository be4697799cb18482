"""Shows what the audit finds in studies: printed rule by rule, or as a page in Markdown."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from latentgrid.audit.disagreements import disagreements
from latentgrid.audit.examine import RULES
from latentgrid.audit.false_alarms import in_words
from latentgrid.audit.finding import Finding
from latentgrid.files.atomic import write_text
from latentgrid.report.markdown import markdown_templates
from latentgrid.studies.study import Study

STEP = 2  # spaces from what is above a line to the line


def lines(study: Study, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """Yield what is found in a study in lines of so many letters.

    Args:
        study: that was audited.
        findings: in the order of the rules; those on one claim stand together.
        width: how many letters fit into a line.
    """
    yield from wrapped(f"{study.name}: {study.citation}", 0, width)
    for rule, of_rule in groupby(findings, key=lambda finding: finding.rule):
        found = list(of_rule)
        yield ""
        yield from wrapped(f"{RULES[rule].TITLE}: {len(found)}", 1, width)
        yield from wrapped(f"({rule} {in_words(rule)})", 1, width)
        for about, alike in groupby(found, key=lambda finding: finding.about):
            show = partial(_on_one_claim, about) if about else _alone
            yield from show(alike, width)
    if not findings:
        yield from wrapped("no finding", 1, width)


def write_page(path: Path, studies: Iterable[Study]) -> None:
    """Replace a page by what disagrees in studies, those with most of it first."""
    template = markdown_templates().get_template("disagreements.md.j2")
    shown = sorted(map(disagreements, studies), key=lambda one: -one.count)
    write_text(path, template.render(page=path, studies=shown))


def _on_one_claim(about: str, findings: Iterable[Finding], width: int) -> Iterator[str]:
    """Yield what findings are about, then a paragraph for each."""
    yield from wrapped(about, 2, width)
    for finding in findings:
        yield from wrapped(f"{finding.place.in_file}: {finding.says}", 4, width)


def _alone(findings: Iterable[Finding], width: int) -> Iterator[str]:
    """Yield for each finding its place, then what it is."""
    for finding in findings:
        yield from wrapped(str(finding.place), 2, width)
        yield from wrapped(finding.says, 4, width)


def wrapped(text: str, depth: int, width: int) -> list[str]:
    """Break a text into lines that stand so many steps to the right; a word stays whole."""
    margin = " " * (STEP * depth)
    return textwrap.wrap(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
