"""How fast the explorer answers: one visitor's clicks of each kind, and many visitors' at once.

It starts the explorer on the results of a folder. Its visitors speak Shiny's protocol, as browsers
do; what a browser then does with an answer is not measured.
"""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import numpy as np
import typer
import websockets
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from latentgrid.app import shelf
from latentgrid.app.shelf import Shelved

GOAL = 100.0  # milliseconds, for the median of one visitor's clicks of a kind
PAUSE = 1.0  # seconds on average between an answer and the next click of one of many
PATIENCE = 60.0  # seconds after which the server is taken for dead
MOST_BYTES = 2**26  # of a message
IMAGES = 20  # test images that are asked for in turn
PAD = 140  # pixels of a drawing's side


@dataclass(frozen=True)
class View:
    """A view of the explorer, and a kind of click in it.

    Attributes:
        click: what the visitor does.
        sets: returns the inputs that the click with a number sets.
        answer: the place where its answer is shown.
        places: all places of the view.
        abilities: what the entries that are ticked in the view must be able to do, by their input.
    """

    click: str
    sets: Callable[[int], dict[str, Any]]
    answer: str
    places: tuple[str, ...]
    abilities: dict[str, tuple[str, ...]] = field(default_factory=dict)


def point(click: int) -> list[float]:
    """Return another point of the plane for each click."""
    return np.random.default_rng(click).uniform(-1, 1, 2).tolist()  # type: ignore[no-any-return]


def stroke(number: int) -> str:
    """Return the drawing of a stroke as the pad sends it."""
    pixels = bytearray(PAD * PAD)
    for row in range(20, 120):
        start = row * PAD + 30 + number % 70
        pixels[start : start + 12] = b"\xff" * 12
    return base64.b64encode(pixels).decode()


PLANE = tuple(f"plane_a{part}" for part in ("", "_axes", "_wrong", "_decoded", "_dimensions"))
FILM = tuple(f"film_a_{part}" for part in ("losses", "images", "codes", "manifold"))
ENCODES, RESTORES = ("encode", "decode"), ("reconstruct", "corrupt")
VIEWS = (
    View(
        "a point of the plane",
        lambda n: {"plane_a_point": point(n)},
        "plane_a_decoded",
        PLANE,
    ),
    View(
        "a slider of the code",
        lambda n: {"plane_a_sliders": [0, point(n)[0]]},
        "plane_a_decoded",
        PLANE,
    ),
    View("new images", lambda n: {"generation_seed": n}, "generation_a", ("generation_a",)),
    View("an epoch of the film", lambda n: {"film_at": n % 2}, "film_a_losses", FILM),
    View(
        "another pair to interpolate",
        lambda n: {"to_image": n % IMAGES},
        "interpolation_answers",
        ("interpolation_answers", "interpolation_wrong"),
        {"interpolation_entries": ENCODES},
    ),
    View(
        "another image to restore",
        lambda n: {"restoration_image": n % IMAGES},
        "restoration_answers",
        ("restoration_answers", "restoration_question"),
        {"restoration_entries": RESTORES},
    ),
    View(
        "a stroke of a drawing",
        lambda n: {"drawing_pad": stroke(n)},
        "drawing_answers",
        ("drawing_answers", "drawing_seen", "drawing_a", "reading_answers"),
        {"drawing_entries": ENCODES, "reading_entries": ("classify",)},
    ),
)
OPENING = "all open the page at once"
OF_MANY = (VIEWS[0], VIEWS[2])  # what many visitors do in turn
AT_FIRST = {
    "run_b": "",
    "order": "",
    "highest": False,
    "film_at": 0,
    "plane_from": 0,
    "from_image": 0,
    "to_image": 1,
    "generation_n": 16,
    "generation_seed": 0,
    "restoration_of": "test",
    "restoration_by": "pixels_50",
    "restoration_image": 0,
    "restoration_seed": 0,
    "drawing_pad": stroke(0),
    ".clientdata_url_search": "",
}


class Visitor:
    """A page of the explorer without a browser."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection = connection

    async def come(self, run: Shelved, runs: Sequence[Shelved], views: Sequence[View]) -> None:
        """Open views of a run, and wait until their answers are there."""
        dataset = run.path.split("/")[1]
        ticked = {
            name: _entries(runs, abilities)
            for view in views
            for name, abilities in view.abilities.items()
        }
        shown = {
            f".clientdata_output_{place}_hidden": False for view in views for place in view.places
        }
        chosen = {"dataset": dataset, "run_a": run.path, "plane_a_across": "z1", "plane_a_up": "z2"}
        await self._say("init", AT_FIRST | chosen | ticked | shown)
        await self._hear({view.answer for view in views})

    async def click(self, view: View, number: int) -> float:
        """Click, and return how many milliseconds the answer took."""
        before = time.perf_counter()
        await self._say("update", view.sets(number))
        await self._hear({view.answer})
        return 1000 * (time.perf_counter() - before)

    async def _say(self, method: str, data: dict[str, Any]) -> None:
        await self._connection.send(json.dumps({"method": method, "data": data}))

    async def _hear(self, places: set[str]) -> None:
        """Wait for contents of places."""
        missing = set(places)
        async with asyncio.timeout(PATIENCE):
            while missing:
                said = json.loads(await self._connection.recv())
                if said.get("errors"):
                    raise SystemExit(f"the explorer failed: {said['errors']}")
                missing -= {name for name, value in said.get("values", {}).items() if value}


def _entries(runs: Sequence[Shelved], abilities: tuple[str, ...]) -> list[str]:
    able = [one.entry for one in runs if one.has_ended and set(abilities) <= shelf.can(one.model)]
    return list(dict.fromkeys(able))[:4]


def main(
    folder: Annotated[Path, typer.Argument(help="a project with results")] = Path(),
    dataset: Annotated[str, typer.Option(help="whose runs are looked at")] = "digits",
    visitors: Annotated[int, typer.Option(help="how many come at once")] = 20,
    clicks: Annotated[int, typer.Option(help="of each visitor, and of each kind")] = 30,
) -> None:
    """Print the median, the 95th percentile and the worst of the milliseconds to an answer."""
    with chdir(folder):
        runs = shelf.shelved(dataset)
        run = next(one for one in runs if one.has_ended and _does_all(one))
        with explorer(dataset) as address:
            alone = asyncio.run(one_visitor(address, run, runs, clicks))
            many = asyncio.run(many_visitors(address, run, runs, visitors, clicks))
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{run.name} of {dataset}; the load of the last minute was {load:.1f} on {cores} cores")
    print_times("One visitor alone, milliseconds", alone, GOAL)
    print_times(f"{visitors} visitors, a click every {PAUSE:g} s each, milliseconds", many, None)


def _does_all(one: Shelved) -> bool:
    return {"encode", "decode", "sample"} <= shelf.can(one.model)


@contextmanager
def explorer(dataset: str) -> Iterator[str]:
    """Start the explorer where we stand, and yield the address of its sessions."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "latentgrid", "app", "--dataset", dataset, "--port", str(port)]
    with subprocess.Popen(command) as server:
        try:
            _wait_for(port)
            yield f"ws://127.0.0.1:{port}/websocket/"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise SystemExit("the explorer does not start")
        time.sleep(0.1)


Times = dict[str, list[float]]


async def one_visitor(address: str, run: Shelved, runs: Sequence[Shelved], clicks: int) -> Times:
    """Return the milliseconds of the clicks of each kind, one after another."""
    times: Times = {}
    for view in VIEWS:
        async with websockets.connect(address, max_size=MOST_BYTES) as connection:
            visitor = Visitor(connection)
            await visitor.come(run, runs, [view])
            times[view.click] = [await visitor.click(view, n) for n in range(1, clicks + 1)]
    return times


async def many_visitors(
    address: str, run: Shelved, runs: Sequence[Shelved], visitors: int, clicks: int
) -> Times:
    """Return the milliseconds of many visitors, who come at once; their clicks are of two kinds."""
    times: Times = {name: [] for name in (OPENING, *(view.click for view in OF_MANY))}
    all_are_there = asyncio.Barrier(visitors)

    async def visit(number: int) -> None:
        pauses = np.random.default_rng(number)
        async with websockets.connect(address, max_size=MOST_BYTES) as connection:
            visitor = Visitor(connection)
            before = time.perf_counter()
            await visitor.come(run, runs, OF_MANY)
            times[OPENING].append(1000 * (time.perf_counter() - before))
            await all_are_there.wait()
            for click in range(clicks):
                await asyncio.sleep(pauses.uniform(0, 2 * PAUSE))
                view = OF_MANY[click % len(OF_MANY)]
                times[view.click].append(await visitor.click(view, 1000 * number + click + 1))

    async with asyncio.TaskGroup() as tasks:
        for number in range(visitors):
            tasks.create_task(visit(number))
    return times


def print_times(title: str, times: Times, goal: float | None) -> None:
    """Print a row for each kind of click."""
    table = Table("", "median", "95th", "worst", "goal", "", title=title, box=SIMPLE_HEAD)
    for click, values in times.items():
        figures = (median(values), quantiles(values, n=20)[-1], max(values))
        reached = "reached" if goal is None or figures[0] < goal else "not reached"
        row = ("", "") if goal is None else (f"< {goal:g}", reached)
        table.add_row(click, *(f"{value:.0f}" for value in figures), *row)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
