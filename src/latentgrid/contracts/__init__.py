"""Contracts: what each component must do, as checks that try it.

One file per kind, with its checks in CHECKS. A check gets a component's name, and raises an error
if the component does not do what the first line of the check's docstring says. Our tests run the
checks on our components, and `latentgrid check-plugin` on yours.
"""

from latentgrid.errors import UserError


def require(holds: bool, sentence: str) -> None:
    """Raise an error with this sentence if `holds` is false."""
    if not holds:
        raise UserError(sentence)
