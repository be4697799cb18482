"""What is seen in a figure, arranged so that a reader takes it in: a sentence, and lists as tables.

Figures say what is seen in them in sentences. Some list a value a model: "Error: unet 4.07, conv_ae
4.62." Such a list is easier to read as a table.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 3  # values of a list that stand in its sentence
WORDS = 45  # of a sentence that is shown before one asks for more
LEAST = SHOWN + 1  # values that make a table
# Separators outside of parentheses: of rows, and of what is said in one.
ROWS, PARTS = (re.compile(rf"{mark} (?![^(]*\))") for mark in (";", ","))
NAMED = re.compile(
    r"(?P<name>[^\W\d]\S*(?: [^\W\d]\S*)*?(?: \([^()]*[^\W\d][^()]*\))?)"
    r" (?P<value>\(?[−-]?\d.*)"
)
LABELLED = re.compile(r"(?P<name>[^\W\d][^:]*): (?P<value>.*)")


@dataclass(frozen=True)
class Listing:
    """A list of values.

    Attributes:
        head: what is listed.
        rows: pairs of a name and what is said of it.
    """

    head: str
    rows: list[tuple[str, str]]

    @property
    def sentence(self) -> str:
        """The head with the first values, as a sentence."""
        first = "; ".join(f"{name} {value}" for name, value in self.rows[:SHOWN])
        return f"{self.head}: {first}; and {len(self.rows) - SHOWN} more."


@dataclass(frozen=True)
class Seen:
    """What is seen in a figure.

    Attributes:
        first: what is read at once; empty if nothing is said.
        more: sentences and lists that are read by who asks for them.
    """

    first: str
    more: list[str | Listing]


def arrange(sentences: Sequence[str]) -> Seen:
    """Return sentences so that the first is short, and lists of values are tables."""
    said = [part for sentence in sentences for part in split(sentence)]
    if not said:
        return Seen("", [])
    head, *rest = said
    if isinstance(head, Listing):
        return Seen(head.sentence, said)
    if len(head.split()) > WORDS:
        return Seen(_cut(head), said)
    return Seen(head, rest)


def split(text: str) -> list[str | Listing]:
    """Split a text into its sentences, those that list values as lists."""
    return [_listing(sentence) or sentence for sentence in re.split(r"(?<=\.) (?=[A-ZÀ-Þ])", text)]


def _listing(sentence: str) -> Listing | None:
    head, _, listed = sentence.removesuffix(".").partition(": ")
    rows = ROWS.split(listed)
    rows = rows if len(rows) > 1 else PARTS.split(listed)
    found = [LABELLED.fullmatch(row) or NAMED.fullmatch(row) for row in rows]
    pairs = [(row["name"], row["value"]) for row in found if row]
    return Listing(head, pairs) if len(pairs) == len(found) >= LEAST else None


def _cut(sentence: str) -> str:
    return " ".join(sentence.split()[:WORDS]).rstrip(",;:") + " …"
