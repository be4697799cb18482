"""Pages in Markdown that are kept in git, and their pictures, made small enough for git."""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from latentgrid.files.atomic import save
from latentgrid.files.layout import Layout
from latentgrid.report import sections
from latentgrid.studies.study import Study
from latentgrid.text import number, short_setting, signed

COLOURS = 256
PIXELS = 1400  # across
MARKUP = re.compile(r"[\\|*_<\[`]")


def markdown_templates() -> Environment:
    """Return the templates of pages in Markdown with the filters that they use."""
    environment = Environment(  # noqa: S701 - nothing is escaped in Markdown
        loader=PackageLoader("latentgrid", "report"),
        undefined=StrictUndefined,
        finalize=sections.printable_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "short_setting": short_setting}
    environment.filters["cell"] = cell
    return environment


def cell(text: object) -> str:
    """Return a text so that it stays in one cell of a table and is no markup."""
    return MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))


def write_pictures(
    layout: Layout, figures: Sequence[str], folder: Path, studies: Sequence[Study]
) -> dict[str, list[sections.Described]]:
    """Write the pictures of the figures to a folder, and return the figures by section."""
    shown = sections.describe_figures(layout, figures, studies)
    for described in (figure for of_section in shown.values() for figure in of_section):
        if not described.missing:
            shrink(layout.figures / f"{described.name}.png", folder / f"{described.name}.png")
    return shown


def shrink(picture: Path, to: Path) -> None:
    """Write a copy of a picture with fewer pixels and colours."""
    image = Image.open(picture).convert("RGB")
    size = (PIXELS, round(image.height * PIXELS / image.width))
    small = image.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    save(to, lambda part: small.save(part, "PNG", optimize=True))
