"""The contract of a figure (`latentgrid.figures.comparisons`)."""

import io

from latentgrid.contracts import require, sample
from latentgrid.figures.draw import draw_figure
from latentgrid.figures.results import Results
from latentgrid.grid import catalogue
from latentgrid.steps import experiment

EXPERIMENTS = "experiments/"


def says_what_it_shows(name: str) -> None:
    """Its file says what it shows, what to look at, and which abilities its models need."""
    needs = catalogue.figure(name).needs
    able = needs is None or any(needs <= catalogue.abilities(m) for m in catalogue.models())
    require(able, f"NEEDS: no model can {', '.join(sorted(needs or ()))}")


def draws_what_there_is(name: str) -> None:
    """`draw` draws a picture of small results, or says why there is nothing to see."""
    described = catalogue.figure(name)
    entries = [] if described.needs is None else sample.entries_that_can(described.needs)
    with sample.results():
        for read in described.reads:
            if read.startswith(EXPERIMENTS):
                experiment.main(read.removeprefix(EXPERIMENTS), sample.LAYOUT.tensors(read))
        drawing = draw_figure(name, Results(sample.LAYOUT, tuple(entries)))
        require(not drawing.missing.startswith("It failed"), f"draw(): {drawing.missing}")
        drawing.figure.savefig(io.BytesIO())
    sentences = all(isinstance(sentence, str) for sentence in drawing.seen)
    require(sentences, "Drawing.seen must be sentences")


CHECKS = (says_what_it_shows, draws_what_there_is)
