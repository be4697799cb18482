"""What the docstrings of a model say of it: in words, and in formulas as a browser sets them.

A formula stands in the docstring of the model's class or of a base class, as Sphinx and PyTorch
have it: below `.. math::`, indented, in LaTeX, an empty line between two formulas. What follows it
says what its letters mean and which source it is from. Docstrings decide no training, so that a
formula can be mended and nothing is trained again.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from latex2mathml.converter import convert
from markupsafe import Markup, escape

from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue
from latentgrid.grid.components import file_of
from latentgrid.grid.plugins import shown
from latentgrid.studies.sources import by_author
from latentgrid.studies.study import Study

MATH = ".. math::"
INDENTED = "    "
ITEM = "- "
OF_THE_CODE = "Attributes:"  # what follows speaks of the code
# Spaces that TeX sets and the library leaves out: behind a function's name, and around \sim.
FUNCTION = re.compile(r"(<mi>(?:log|exp|det)</mi>)(?!(?:<mrow>)?<mo[^>]*>&#x00028;)")
RELATION = ("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class ModelText:
    """What the docstrings of a model say.

    Attributes:
        summary: what the model is, in a sentence.
        origin: where it is from, in a sentence.
        more: further paragraphs, as HTML.
        formulas: its formulas as MathML; empty if none is declared.
        letters: the paragraphs on their letters and their source, as HTML.
        files: all this as it stands in the files.
    """

    summary: str
    origin: str
    more: list[Markup]
    formulas: list[Markup]
    letters: list[Markup]
    files: str


def read_model_text(model: str, studies: Sequence[Study] = ()) -> ModelText:
    """Read the docstrings of a model's class, and of the base class that declares its formula.

    The texts name these studies by author and year.

    Raises:
        UserError: a formula is not LaTeX that can be shown; the text names the model's file.
    """
    docstrings = catalogue.docstrings(model)
    declaring = next((text for text in docstrings if MATH in text), "")
    more, formulas, letters = _parts(_paragraphs(by_author(declaring, studies)))
    if declaring != docstrings[0]:
        more = _paragraphs(by_author(docstrings[0], studies))
    return ModelText(
        summary=by_author(catalogue.description(model), studies),
        origin=by_author(catalogue.origin(model), studies),
        more=_as_html(more[1:]),
        formulas=[_as_mathml(model, formula) for formula in formulas],
        letters=_as_html(letters),
        files="\n".join((catalogue.origin(model), docstrings[0], declaring)),
    )


def _paragraphs(docstring: str) -> list[str]:
    """Split a docstring at its empty lines, up to what speaks of the code."""
    paragraphs = re.split(r"\n\s*\n", docstring)
    ends = [at for at, text in enumerate(paragraphs) if text.startswith(OF_THE_CODE)]
    return paragraphs[: ends[0] if ends else None]


def _parts(paragraphs: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Return what stands before the formulas, the formulas, and what follows them."""
    if MATH not in paragraphs:
        return [*paragraphs], [], []
    start = paragraphs.index(MATH)
    end = start + 1
    while end < len(paragraphs) and paragraphs[end].startswith(INDENTED):
        end += 1
    return [*paragraphs[:start]], [*paragraphs[start + 1 : end]], [*paragraphs[end:]]


def _as_html(paragraphs: Sequence[str]) -> list[Markup]:
    return [_list(text) if text.startswith(ITEM) else _paragraph(text) for text in paragraphs]


def _paragraph(text: str) -> Markup:
    if text.startswith(INDENTED):
        return Markup("<pre>{}</pre>").format(textwrap.dedent(text))
    return Markup("<p>{}</p>").format(_words(text))


def _list(text: str) -> Markup:
    items = text.removeprefix(ITEM).split(f"\n{ITEM}")
    return Markup("<ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(_words(item)) for item in items)
    )


def _words(text: str) -> Markup:
    """Return running text as HTML on one line, names of code in their own font."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(" ".join(text.split())))))  # noqa: S704


def _as_mathml(model: str, latex: str) -> Markup:
    """Return a formula as MathML, which browsers set without a script or a font of the page's."""
    text = " ".join(latex.split())
    try:
        mathml = convert(text, display="block")
    except Exception as error:  # whatever the library raises on what is no LaTeX
        raise _not_shown(model, text, one_line(error)) from None
    if "\\" in mathml:  # a command that the library does not know stays as it is
        raise _not_shown(model, text, "unknown command")
    spaced = FUNCTION.sub(r'\1<mspace width="0.167em" />', mathml)
    return Markup(spaced.replace(*RELATION))  # noqa: S704


def _not_shown(model: str, latex: str, why: str) -> UserError:
    return UserError(
        f"{shown(file_of('models', model))}: the formula {latex} cannot be shown ({why}); "
        f"mend its LaTeX"
    )
