"""Figures whose bytes do not hang on the last digits of where their panels lie."""

import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from latentgrid.figures.style import save_pdf, save_png

TREMOR = 1e-12  # of a figure's width: no eye sees it, ten decimals of a point do


def drawn():
    """A figure of two parts, each with panels of its own, and a third with a colour bar."""
    figure = Figure(figsize=(7, 3))
    left, right = figure.subfigures(1, 2)
    left.subplots(2, 2)[0, 0].set_title("title")
    panel = right.subplots(1, 1)
    right.colorbar(panel.imshow([[0, 1], [2, 3]]), ax=panel)
    right.suptitle("right")
    return figure


def trembling(shift):
    """Let the layout's solver err as it does when memory lies otherwise."""
    solve = ConstrainedLayoutEngine.execute

    def execute(self, figure):
        grids = solve(self, figure)
        for part in figure.subfigs:
            part.bbox_relative.set_points(part.bbox_relative.get_points() + shift)
        for axes in figure.axes:
            x, y, width, height = axes.get_position(original=True).bounds
            axes.set_position((x + shift, y, width + shift, height))
            axes.set_in_layout(True)
        return grids

    return execute


def test_the_last_digits_of_a_place_change_no_byte_of_a_pdf(tmp_path, monkeypatch):
    written = []
    for shift in (0.0, TREMOR, -TREMOR):
        with monkeypatch.context() as patch:
            patch.setattr(ConstrainedLayoutEngine, "execute", trembling(shift))
            save_pdf(drawn(), tmp_path / "figure")
        written.append((tmp_path / "figure").read_bytes())
    assert written[0] == written[1] == written[2]


def test_rounding_leaves_the_layout_as_it_was(tmp_path):
    plain, steady = drawn(), drawn()
    for _ in range(2):  # a steady figure is laid out twice at once
        plain.savefig(tmp_path / "plain", format="png")
    save_png(steady, tmp_path / "steady")
    assert len(plain.axes) == len(steady.axes) == 6
    for before, after in zip(plain.axes, steady.axes, strict=True):
        expected = before.get_position(original=True).bounds
        assert after.get_position(original=True).bounds == pytest.approx(expected, abs=1e-8)
        assert after.get_in_layout()
