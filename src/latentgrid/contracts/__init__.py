"""What each component must do, as functions that are tried on it.

One file a kind, with CHECKS: each is told a component's name, raises where the component does not
do what the first line of its docstring says, and is called by our tests for our components and by
`latentgrid check-plugin` for yours.
"""

from latentgrid.errors import UserError


def require(holds: bool, sentence: str) -> None:
    """Raise an error with this sentence where something does not hold."""
    if not holds:
        raise UserError(sentence)
