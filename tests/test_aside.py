"""Runs that were put aside come back, also if the process is killed at any of its moves."""

from pathlib import Path

import pytest

from latentgrid.files.aside import put_run_aside, take_back
from latentgrid.files.layout import Layout

NAME = "vae/latent_dim=2/seed=0"


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def layout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Layout("digits")


def write(layout, text):
    folder = layout.run(NAME).folder
    folder.mkdir(parents=True)
    (folder / "weights").write_text(text)


def fits(folder):
    return (folder / "weights").read_text() == "wanted"


def back(layout):
    return take_back(layout, layout.run(NAME), fits)


def contents(layout):
    return sorted(path.read_text() for path in layout.results.rglob("weights"))


@pytest.mark.parametrize("moves", range(4))
def test_a_run_is_taken_back_by_the_call_after_one_that_was_killed(layout, monkeypatch, moves):
    for text in ("wanted", "older", "newer"):
        write(layout, text)
        put_run_aside(layout, layout.run(NAME))
    write(layout, "misfit")
    before, left = contents(layout), iter(range(moves))
    rename = Path.rename

    def killed_after_moves(folder, to):
        if next(left, None) is None:
            raise KilledError
        return rename(folder, to)

    with monkeypatch.context() as killing:
        killing.setattr(Path, "rename", killed_after_moves)
        try:
            back(layout)
        except KilledError:
            assert moves < 3
    found = layout.run(NAME).folder
    assert (found.is_dir() and fits(found)) or back(layout)
    assert fits(found)
    assert contents(layout) == before


def test_nothing_moves_where_no_run_fits(layout):
    write(layout, "older")
    put_run_aside(layout, layout.run(NAME))
    write(layout, "misfit")
    assert not back(layout)
    assert (layout.run(NAME).folder / "weights").read_text() == "misfit"
