"""Turns a step's function into a command, as in `python -m latentgrid.steps.train …`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from latentgrid.errors import UserError, plain_errors, print_on_any_terminal
from latentgrid.jobs import orders
from latentgrid.jobs.benchmarks import write_down
from latentgrid.jobs.memory import keep_freed_memory
from latentgrid.jobs.parent import die_with_parent


def run_step(function: Callable[..., None]) -> None:
    """Run `function` with its arguments read from the command line, while its workflow lives.

    A job of the workflow refuses other code than was planned, says beside its results what they
    were made by, and writes down what it cost.
    """
    ended: list[bool] = []

    @wraps(function)
    def to_its_end(*given: Any, **named: Any) -> None:
        function(*given, **named)
        ended.append(True)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(to_its_end)
    die_with_parent()
    print_on_any_terminal()
    keep_freed_memory()
    with plain_errors():
        order = orders.mine()
        try:
            app()
        except SystemExit as exit_:
            if exit_.code:
                raise
            if order and not ended:
                raise UserError("the step called exit() before its end") from None
        if order:
            order.stamp()
        write_down()
