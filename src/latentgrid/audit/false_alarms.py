"""How often each rule fires on sound studies, as tools/false_alarms.py measured it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

MEASURED = Path(__file__).with_name("false_alarms.json")
NO_RATE = "repeats what the study's file says, so no chance is in it"

Counts = Mapping[str, tuple[int, int]]


@cache
def measured() -> Mapping[str, Counts]:
    """Return, by rule and then by kind of study ("simulated", "real"), how many of how many fired.

    A kind is missing where its studies hold nothing for the rule to look at.
    """
    return {
        rule: {kind: (fired, tried) for kind, (fired, tried) in counts.items()}
        for rule, counts in json.loads(MEASURED.read_text(encoding="utf-8")).items()
    }


def in_words(rule: str) -> str:
    """Return in words how often a rule fires, on how many simulated and real sound studies."""
    counts = measured().get(rule, {})
    said = [f"{fired:,} of {tried:,} {kind}" for kind, (fired, tried) in counts.items()]
    return f"fires on {', '.join(said)} sound studies" if said else NO_RATE
