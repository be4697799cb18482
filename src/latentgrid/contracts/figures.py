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


def claims_of_models_there_are(name: str) -> None:
    """`CLAIM_ON` names models that there are, and stands with a `CLAIM`."""
    described = catalogue.figure(name)
    unknown = [model for model in described.claim_on if model not in catalogue.models()]
    require(not unknown, f"CLAIM_ON: {', '.join(unknown)}: no such model")
    require(bool(described.claim) or not described.claim_on, "CLAIM_ON needs a CLAIM")


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


CHECKS = (says_what_it_shows, claims_of_models_there_are, draws_what_there_is)
