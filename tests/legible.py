"""What a reader of a figure would complain of: small letters, texts over one another or cut off."""

from itertools import combinations
from unittest import mock

from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from latentgrid.figures.style import SMALLEST, WIDTH, steady

TOUCH = 1.0  # pt by which boxes of letters, which have some air, may overlap


def drawn_texts(figure):
    """Every text that is drawn in a figure, with its box in points."""
    found = []
    draw = Text.draw

    def spy(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            found.append((text, text.get_window_extent(renderer)))
        draw(text, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", spy):
        steady(figure).draw_without_rendering()
    points = Affine2D().scale(72 / figure.dpi)
    return [(text, box.transformed(points)) for text, box in found if not _cut(text, box)]


def _cut(text, box):
    """Tell whether a text lies wholly outside of the panel to which it is clipped."""
    return text.get_clip_box() is not None and not text.get_clip_box().overlaps(box)


def complaints(figure):
    """Say what is too small, too wide, cut off or covered in a figure."""
    texts = drawn_texts(figure)
    width, height = figure.get_size_inches() * 72
    said = [] if width <= WIDTH * 72 + 0.01 else [f"the figure is {width / 72:.1f} inches wide"]
    for text, box in texts:
        name = repr(text.get_text())
        if text.get_fontsize() < SMALLEST:
            said.append(f"{name} has {text.get_fontsize():.1f} pt")
        if box.x0 < -TOUCH or box.y0 < -TOUCH or box.x1 > width + TOUCH or box.y1 > height + TOUCH:
            said.append(f"{name} leaves the figure")
    for (one, first), (other, second) in combinations(texts, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        if wide > TOUCH and high > TOUCH:
            said.append(f"{one.get_text()!r} and {other.get_text()!r} overlap")
    return said
