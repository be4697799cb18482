"""Arithmetic that a study writes down, such as `29700 * latent_dim`."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from latentgrid.errors import one_line

BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
MAX_EXPONENT = 100


def evaluate(expression: str, names: Mapping[str, float]) -> float:
    """Return the value of an expression of numbers, names, + - * / ** and parentheses.

    Raises:
        ValueError: it holds something else, an unknown name, or has no finite value.
    """
    try:
        return _value(_parsed(expression), names)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(one_line(error)) from None


def names_in(expression: str) -> set[str]:
    """Return the names in an expression."""
    return {node.id for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Name)}


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError("is no arithmetic") from None


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name):
            if name not in names:
                raise ValueError(f"unknown name {name}; allowed: {', '.join(sorted(names))}")
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            first, second = _value(left, names), _value(right, names)
            if isinstance(op, ast.Pow) and abs(second) > MAX_EXPONENT:
                raise ValueError("an exponent is too large")
            result = BINARY[type(op)](first, second)
            if isinstance(result, complex):
                raise ValueError("it has no real value")
            return result
    raise ValueError("is no arithmetic of numbers, names, + - * / ** and parentheses")


def _arithmetic(expression: str) -> str:
    """Return an expression if it is arithmetic, whatever its names are."""
    evaluate(expression, dict.fromkeys(names_in(expression), 1.0))
    return expression


Expression = Annotated[
    str,
    Field(
        coerce_numbers_to_str=True,
        description="arithmetic of numbers, names, + - * / ** and parentheses",
    ),
    AfterValidator(_arithmetic),
]
