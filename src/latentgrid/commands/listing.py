"""How commands that list things set what stands below a heading."""

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from latentgrid.errors import printable

INDENT = 4


def indented(what: str | Table) -> Padding:
    """Return a text or a table that stands below a heading."""
    content = Text(printable(what)) if isinstance(what, str) else what
    return Padding(content, (0, 0, 0, INDENT), expand=False)
