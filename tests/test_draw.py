"""The drawing step where a figure fails."""

from unittest import mock

import pytest

from latentgrid.errors import UserError
from latentgrid.figures.draw import draw_figure
from latentgrid.figures.results import Results
from latentgrid.files.layout import Layout

MATERIAL = Results(Layout("digits"))
DRAW = "latentgrid.figures.comparisons.samples.draw"


def test_a_figure_that_fails_is_missing_and_says_why(capfd):
    with mock.patch(DRAW, side_effect=RuntimeError("boom\nand more")):
        drawing = draw_figure("samples", MATERIAL)
    assert drawing.missing == "It failed: RuntimeError: boom"
    assert drawing.figure.get_size_inches().all()
    assert "Traceback" in capfd.readouterr().err


def test_what_a_user_must_mend_ends_the_step():
    with mock.patch(DRAW, side_effect=UserError("weights are damaged")), pytest.raises(UserError):
        draw_figure("samples", MATERIAL)
