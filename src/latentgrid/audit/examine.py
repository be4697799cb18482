"""Asks every rule about a study."""

from pathlib import Path
from types import ModuleType

from latentgrid.audit.finding import Finding
from latentgrid.audit.rules import (
    calculations,
    claims_against_table,
    equal_values,
    grim,
    impossible,
    last_digits,
    mixed_digits,
    out_of_line,
    spelling,
    statements,
    too_few_digits,
)
from latentgrid.studies import reading
from latentgrid.studies.study import Study

# In the order in which a reader should look at what they find.
MODULES: tuple[ModuleType, ...] = (
    equal_values,
    impossible,
    out_of_line,
    claims_against_table,
    too_few_digits,
    calculations,
    grim,
    statements,
    last_digits,
    mixed_digits,
    spelling,
)
RULES = {module.__name__.rpartition(".")[2]: module for module in MODULES}


def examine(study: Study) -> list[Finding]:
    """Return what all rules find in a study, rule by rule, in the order of the study's files."""
    return [finding for rule in RULES.values() for finding in rule.find(study)]


def audited(dataset: str) -> list[Study]:
    """Return the studies whose findings stand among the results of a data set.

    These are its own and those of no data set.

    Raises:
        UserError: something in the files of a study is wrong.
    """
    return [study for study in reading.chosen("all") if study.facts.dataset in {dataset, None}]


def files_of(study: Study) -> list[Path]:
    """Return the files that the audit of a study reads."""
    return [path for path in study.files if path.parent == study.folder]
