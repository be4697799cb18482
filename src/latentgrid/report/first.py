"""What a reader sees first: what was trained on what, three findings, and pictures of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from latentgrid.figures import style
from latentgrid.figures.results import Results
from latentgrid.grid import catalogue
from latentgrid.report.pictures import as_webp
from latentgrid.results.tables import separated
from latentgrid.results.trained import Array
from latentgrid.text import number, signed

FINDINGS = 3
SURE = 3  # seeds that give an interval
COLUMNS, ROWS = 6, 6  # images of a sheet
FULL = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.99}  # as shares of a picture
INCHES = 2.6  # the side of the plane
ENLARGED = 4  # pixels across, of one of an image, so that browsers need not smooth them


@dataclass(frozen=True)
class Picture:
    """A picture, as a data URI, with its name and what is seen in it, in words."""

    address: str
    alt: str
    seen: str


@dataclass(frozen=True)
class Finding:
    """An answer that the tables give.

    Attributes:
        question: what is answered, in a few words.
        name: of the model.
        answer: how well it does, beside the next one.
        certainty: how much of it may be chance.
        picture: of the model's images or codes; None where there is none.
    """

    question: str
    name: str
    answer: str
    certainty: str
    picture: Picture | None


@dataclass(frozen=True)
class Question:
    """What a column of the table of best settings answers.

    Attributes:
        asked: the question in a few words.
        measure: the column.
        smaller: whether a smaller value is better.
        said: how well the best does, with a place for the value.
        shown: the value as text.
        of: whether an entry takes part, by its model.
        snapshot: the snapshot that shows it, "" if none does.
    """

    asked: str
    measure: str
    smaller: bool
    said: str
    shown: Callable[[float], str]
    of: Callable[[str], bool]
    snapshot: str = ""


def _denoises(model: str) -> bool:
    return "corrupt" in catalogue.abilities(model)


def _any(model: str) -> bool:
    return True


def _three_digits(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _two_decimals(value: float) -> str:
    return signed(value, 2)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


# In the order in which they are asked; the first that the trained models answer are shown.
QUESTIONS = (
    Question(
        "Which model gives images back best?", "test_squared_error", True,
        "with a squared error of {value} a test image", _three_digits,
        lambda model: not _denoises(model), "reconstructions",
    ),
    Question(
        "Which model draws the best samples?", "sample_score", False,
        "with a sample score of {value} by the judge", _two_decimals, _any, "samples",
    ),
    Question(
        "Which codes separate the classes best?", "silhouette", False,
        "with a mean silhouette of {value}", _two_decimals, _any, "codes",
    ),
    Question(
        "Which model finds test images likeliest?", "importance_bound", False,
        "with an importance-weighted bound of {value} nats an image", _three_digits, _any,
    ),
    Question(
        "Which model restores damaged images best?", "test_squared_error", True,
        "with a squared error of {value} an image", _three_digits, _denoises,
        "reconstructions",
    ),
    Question(
        "Which classifier is right most often?", "test_accuracy", False,
        "for {value} of the test images", _share, _any,
    ),
    Question(
        "Which model labels the pixels of scenes best?", "mean_iou", False,
        "with a mean intersection over union of {value}", _two_decimals, _any,
    ),
)  # fmt: skip


def findings(results: Results, best: pd.DataFrame) -> list[Finding]:
    """Return what the best settings answer, and pictures that no answer shows.

    Questions that compare two models or more come first, three at most are answered. Samples and
    codes are shown also where nothing ranks them.

    Args:
        results: of the data set.
        best: the table of each entry's best setting.
    """
    asked = [(question, _ranked(question, best)) for question in QUESTIONS]
    answerable = [(question, ranked) for question, ranked in asked if len(ranked)]
    answerable.sort(key=lambda pair: len(pair[1]) < 2)  # noqa: PLR2004
    chosen = {question.asked for question, _ in answerable[:FINDINGS]}
    answered = [
        _finding(results, question, ranked)
        for question, ranked in asked
        if question.asked in chosen
    ]
    return [
        *answered,
        *_unranked(results, best, {q.snapshot for q in QUESTIONS if q.asked in chosen}),
    ]


def _ranked(question: Question, best: pd.DataFrame) -> pd.DataFrame:
    """Return the settings that take part, the best one first."""
    if question.measure not in best:
        return best.iloc[:0]
    rows = best[best[question.measure].notna() & best["model"].map(question.of).astype(bool)]
    return rows.sort_values(question.measure, ascending=question.smaller, kind="stable")


def _finding(results: Results, question: Question, ranked: pd.DataFrame) -> Finding:
    first = ranked.iloc[0]
    picture = _shown(results, first, question.snapshot) if question.snapshot else None
    answer = question.said.format(value=question.shown(first[question.measure]))
    if len(ranked) == 1:
        certainty = "There is no other model here to compare it with."
        return Finding(question.asked, _name(first), f"{answer}.", certainty, picture)
    second = ranked.iloc[1]
    answer += f"; next is {_name(second)} with {question.shown(second[question.measure])}."
    certainty = _certainty(first, second, question.measure)
    return Finding(question.asked, _name(first), answer, certainty, picture)


def _name(row: Mapping[Any, Any]) -> str:
    """Name a setting by its entry and its latent dimension."""
    dimension = row.get("latent_dim")
    return f"{row['entry']} (d = {dimension:g})" if pd.notna(dimension) else str(row["entry"])


def _certainty(first: pd.Series, second: pd.Series, measure: str) -> str:
    """Say whether the seeds tell two settings apart."""
    seeds = int(min(first["n"], second["n"]))
    if seeds == 1:
        return "One seed: which is best may be chance."
    if seeds < SURE:
        return f"{seeds} seeds give no interval: which is best may be chance."
    apart = abs(first[measure] - second[measure]) > first[f"{measure}_ci"] + second[f"{measure}_ci"]
    said = "lie apart" if apart else "overlap, so which is best may be chance"
    return f"The 95 % intervals over {seeds} seeds {said}."


def _unranked(results: Results, best: pd.DataFrame, seen: set[str]) -> list[Finding]:
    """Return samples and codes of the first model that has some, where no finding shows them."""
    words = {
        "samples": ("What do samples look like?", "No judge was trained that could rank them."),
        "codes": ("Where do the codes lie?", "Nothing here ranks them."),
    }
    found = []
    for snapshot, (asked, why) in words.items():
        pictures = ((_name(row), _shown(results, row, snapshot)) for _, row in best.iterrows())
        first = next(((name, shown) for name, shown in pictures if shown), None)
        if first and snapshot not in seen:
            name, shown = first
            found.append(Finding(asked, name, "", why, shown))
    return found


def _shown(results: Results, row: pd.Series, snapshot: str) -> Picture | None:
    """Return a picture of a snapshot of a setting's first run; None if it has no such snapshot."""
    run = results.trained(separated(row["runs"])[0])
    values = run.last(snapshot)
    if values is None or not len(values):
        return None
    if snapshot == "codes":
        return _plane(results, row, values)
    if snapshot == "reconstructions":
        damaged = run.last("corrupted")
        given = results.test.images if damaged is None else damaged
        what = "test images" if damaged is None else "damaged test images"
        pairs = _in_turn(given[: len(values)], values)
        seen = f"In turn, a row of {what} and a row of what {row['entry']} makes of them."
        return Picture(_sheet(results, pairs, COLUMNS), f"Reconstructions by {row['entry']}", seen)
    sheet = _sheet(results, values[: COLUMNS * ROWS], COLUMNS)
    seen = f"Images that {row['entry']} draws."
    return Picture(sheet, f"Samples of {row['entry']}", seen)


def _in_turn(given: Array, made: Array) -> Array:
    """Return images (n, c, h, w) and what is made of them so that rows of a sheet take turns."""
    starts = range(0, min(len(given), COLUMNS * ROWS // 2), COLUMNS)
    rows = [images[start : start + COLUMNS] for start in starts for images in (given, made)]
    return np.concatenate([row for row in rows if len(row) == len(rows[0])])


def _sheet(results: Results, images: Array, columns: int) -> str:
    """Return images (n, c, h, w), uint8, in rows, as a data URI."""
    with style.images_like(results.first_test_images):
        sheet = style.image_grid(images, columns)
    if style.is_on_black(results.first_test_images):
        sheet = 255 - sheet
    picture = Image.fromarray(sheet)
    times = max(1, round(ENLARGED * 28 * COLUMNS / picture.width))
    return as_webp(picture.resize((times * picture.width, times * picture.height), 0))


def _plane(results: Results, row: pd.Series, codes: Array) -> Picture:
    """Draw test codes (n, d) in the plane, with a colour and a name for each class."""
    test = results.test.first(len(codes))
    plane = style.two_dimensions(codes)
    figure = Figure(figsize=(INCHES, INCHES))
    figure.set_layout_engine("none")
    panel = figure.subplots(gridspec_kw=FULL)
    style.scatter_by_class(panel, plane, test.labels)
    low, high = np.quantile(plane, [0.005, 0.995], axis=0)
    margin = 0.06 * (high - low) + 1e-6
    panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]), xticks=[])
    panel.set(ylim=(low[1] - margin[1], high[1] + margin[1]), yticks=[])
    style.name_classes(panel, plane, test.labels, test.name_of)
    panel.spines[:].set_visible(True)
    panel.spines[:].set_color("0.8")
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    if codes.shape[1] <= 2:  # noqa: PLR2004
        seen = f"Codes of test images by {row['entry']}"
    else:
        seen = f"First two principal components of {row['entry']}'s codes of test images"
    coloured = ", coloured by class" if test.has_classes else ""
    coloured += ", each class named near its middle" if panel.texts else ""
    return Picture(
        as_webp(Image.open(drawn)), f"Latent plane of {row['entry']}", f"{seen}{coloured}."
    )
