"""Controls and places of a page, beside those that Shiny has. `static/explorer.js` moves them."""

from collections.abc import Sequence
from typing import Any

from htmltools import Tag, tags
from shiny import Session, ui


def chooser(name: str, label: str, choices: Any, selected: str | None = None) -> Tag:
    """Return a list to choose from, the browser's own, which phones and keyboards know."""
    return ui.input_select(name, label, choices, selected=selected)


def counted(name: str, label: str, value: int) -> Tag:
    """Return a field for a whole number from 0."""
    return ui.input_numeric(name, label, value, min=0, step=1, width="9rem")


def ranged(
    name: str, label: str, lowest: float, highest: float, value: float, step: float = 1
) -> Tag:
    """Return a slider, the browser's own, with its value beside its label.

    `set_names` gives its positions names.
    """
    return tags.div(
        tags.label(label, " ", tags.output(f"{value:g}", for_=name), for_=name),
        tags.input(
            id=name,
            type="range",
            min=lowest,
            max=highest,
            step=step,
            value=value,
            class_="ranged",
        ),
        class_="control",
    )


def set_names(session: Session, name: str, names: Sequence[str], chosen: int) -> None:
    """Give the positions 0, 1, … of a slider names, and set it to one of them."""
    session.send_input_message(name, {"names": list(names), "value": chosen})


def play_button(name: str) -> Tag:
    """Return a button that moves the slider of this name through its positions."""
    return tags.button("Play", type="button", class_="btn btn-default play", data_moves=name)


def dimension_sliders(name: str, lowest: Sequence[float], highest: Sequence[float]) -> Tag:
    """Return a slider for each dimension of a code.

    A moved one sets the input `name` to its dimension and value; the message `code` moves all.
    """
    rows = [
        tags.div(
            tags.label(f"z{d + 1} ", tags.output("", for_=f"{name}_{d}"), for_=f"{name}_{d}"),
            tags.input(
                id=f"{name}_{d}",
                type="range",
                min=f"{low:.4g}",
                max=f"{high:.4g}",
                step="any",
                data_dimension=d,
                data_of=name,
                class_="dimension",
            ),
        )
        for d, (low, high) in enumerate(zip(lowest, highest, strict=True))
    ]
    return tags.div(*rows, id=name, class_="dimensions")


def place(name: str, css: str = "") -> Tag:
    """Return the place of what a function shows; its change is not read out."""
    return ui.output_ui(name, class_=css, aria_live="off")


def spoken_place(name: str, css: str = "") -> Tag:
    """Return the place of what a function shows; its change is read out."""
    return ui.output_ui(name, class_=css, aria_live="polite")
