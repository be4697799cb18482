"""Arithmetic that a study writes down, such as `29700 * latent_dim`."""

import ast
import operator
from collections.abc import Callable, Mapping
from math import isfinite
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
ARITHMETIC = "arithmetic of numbers, names, + - * / ** and parentheses"
PARTS = (ast.Name, ast.Load, ast.UnaryOp, ast.USub, ast.BinOp, *BINARY)
MAX_EXPONENT = 100
MAX_LENGTH = 300  # so that no expression nests deeper than Python can follow


def evaluate(expression: str, names: Mapping[str, float]) -> float:
    """Return the value of an expression of numbers, names, + - * / ** and parentheses.

    Raises:
        ValueError: it holds something else, an unknown name, or has no finite value.
    """
    try:
        value = _value(_parsed(expression), names)
    except ArithmeticError as error:
        raise ValueError(one_line(error)) from None
    if not isfinite(value):
        raise ValueError("it has no finite value")
    return value


def names_in(expression: str) -> set[str]:
    """Return the names in an expression."""
    return {node.id for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Name)}


def _parsed(expression: str) -> ast.expr:
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} letters")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError):
        raise ValueError(f"is no {ARITHMETIC}") from None
    if not all(map(_is_arithmetic, ast.walk(tree))):
        raise ValueError(f"is no {ARITHMETIC}")
    return tree


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    return isinstance(node, PARTS)


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            if name not in names:
                raise ValueError(f"unknown name {name}; allowed: {', '.join(sorted(names))}")
            return names[name]
        case ast.UnaryOp(operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _value(left, names), _value(right, names)
            if isinstance(op, ast.Pow) and abs(second) > MAX_EXPONENT:
                raise ValueError("an exponent is too large")
            result = BINARY[type(op)](first, second)
            if isinstance(result, complex):
                raise ValueError("it has no real value")
            return result
    raise AssertionError(f"not refused by _is_arithmetic: {ast.dump(node)}")


def _arithmetic(expression: str) -> str:
    """Return an expression if it is arithmetic and, where it has no names, has a value."""
    if not names_in(expression):
        evaluate(expression, {})
    return expression


Expression = Annotated[
    str,
    Field(
        coerce_numbers_to_str=True,
        description=ARITHMETIC,
    ),
    AfterValidator(_arithmetic),
]
