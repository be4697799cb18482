"""Asks every rule about a study."""

from types import ModuleType

from latentgrid.audit.finding import Finding
from latentgrid.audit.rules import (
    agreements,
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
from latentgrid.studies.study import Study

# In the order in which a reader should look at what they find.
MODULES: tuple[ModuleType, ...] = (
    equal_values,
    impossible,
    out_of_line,
    claims_against_table,
    too_few_digits,
    calculations,
    agreements,
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
