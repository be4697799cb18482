"""Reactive values that do not change when what they are made of does, unless they come out other.

Shiny runs what depends on a value again whenever the value may have changed. While a workflow
trains, the list of runs changes each second, and what a visitor looks at must stay as it is.
"""

from collections.abc import Callable
from typing import TypeVar

from shiny import reactive

T = TypeVar("T")
BEFORE_OUTPUTS = 1  # priority of an effect


def steady(source: Callable[[], T], first: T) -> Callable[[], T]:
    """Return a function for what `source` returns, which is `first` before it is known."""
    kept = reactive.Value(first)

    @reactive.effect(priority=BEFORE_OUTPUTS)
    def _() -> None:
        found = source()
        with reactive.isolate():
            is_same = found == kept()
        if not is_same:
            kept.set(found)

    return kept
