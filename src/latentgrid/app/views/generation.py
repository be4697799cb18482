"""New images of any model that draws them."""

from htmltools import TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, ui

from latentgrid.api.images import as_count
from latentgrid.app.controls import chooser, counted, place, ranged, spoken_place
from latentgrid.app.pictures import picture
from latentgrid.app.sides import beside, serve_names
from latentgrid.app.visit import SIDES, Visit, or_why_not
from latentgrid.errors import UserError

TITLE = "Generate"
ABOUT = "New images from the model's prior. The same seed draws the same images again."
MOST, AT_FIRST, ACROSS = 64, 16, 8
ANY = ""


def content() -> TagList:
    """Return the button, the seed, the number of images and the class, and the places."""
    return TagList(
        tags.div(
            ui.input_action_button("draw_again", "New images", class_="btn-primary"),
            counted("generation_seed", "Seed", 0),
            ranged("generation_n", "Images", 1, MOST, AT_FIRST),
            place("generation_classes"),
            class_="controls",
        ),
        beside("generation", _panel),
    )


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    serve_names("generation", visit, session)

    @reactive.effect
    @reactive.event(inputs.draw_again)
    def _() -> None:
        try:
            following = visit.seed("generation_seed") + 1
        except UserError:
            following = 0
        ui.update_numeric("generation_seed", value=following)

    @session.output(id="generation_classes")
    @render.ui
    def _() -> TagChild:
        try:
            runs = [run for side in SIDES if (run := visit.run(side))]
            names = visit.test_set().name_of
        except UserError:
            return None
        most = max((run.classes for run in runs), default=0)
        if not most:
            return None
        choices = {ANY: "all", **{str(label): names(label) for label in range(most)}}
        return chooser("generation_class", "Class", choices)

    for side in SIDES:
        _serve_side(side, visit, inputs, session)


def _panel(side: str) -> TagList:
    return TagList(spoken_place(f"generation_{side}"))


def _serve_side(side: str, visit: Visit, inputs: Inputs, session: Session) -> None:
    @session.output(id=f"generation_{side}")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        if run is None:
            return None
        n = as_count("images", inputs.generation_n(), 1, MOST)
        seed = visit.seed("generation_seed")
        chosen = inputs.generation_class() if "generation_class" in inputs else ANY
        label = {str(label): label for label in range(run.classes)}.get(str(chosen))
        of_class = "" if label is None else f" of class {visit.test_set().name_of(label)}"
        made = picture(run.sample(n, seed, label), f"{n} new images{of_class}", ACROSS)
        return tags.figure(made, tags.figcaption(f"{n} new images{of_class}, seed {seed}"))
