"""Reactive values that do not change when what they are made of does, unless they come out other.

Shiny runs what depends on a value again whenever the value may have changed. While a workflow
trains, the list of runs changes every few seconds, and what a visitor looks at must stay as it is.
"""

from collections.abc import Callable
from typing import TypeVar

from shiny import reactive

T = TypeVar("T")
# Priorities of effects: what is watched is known before what follows from it, and both before what
# is shown.
WATCHED, STEADY = 2, 1


def steady(source: Callable[[], T], first: T, priority: int = STEADY) -> Callable[[], T]:
    """Return a function for what `source` returns, which is `first` before it is known."""
    kept = reactive.Value(first)

    @reactive.effect(priority=priority)
    def _() -> None:
        found = source()
        with reactive.isolate():
            is_same = found == kept()
        if not is_same:
            kept.set(found)

    return kept


def watched(source: Callable[[], T], first: T, seconds: float) -> Callable[[], T]:
    """Return a function for what `source` returns, which is asked again after so many seconds."""

    def again() -> T:
        reactive.invalidate_later(seconds)
        return source()

    return steady(again, first, WATCHED)
