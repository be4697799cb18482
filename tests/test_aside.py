"""Runs that were put aside come back, also if the process is killed at any of its moves."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from latentgrid.commands import doctor
from latentgrid.files.aside import (
    put_aside,
    put_checkpoints_aside,
    put_run_aside,
    take_back,
    take_checkpoints_back,
)
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


def leave_checkpoint(layout, text):
    folder = layout.run(NAME).checkpoints
    folder.mkdir(parents=True)
    (folder / text).touch()


def checkpoints(layout):
    return [path.name for path in layout.run(NAME).checkpoints.glob("*")]


def test_checkpoints_that_were_put_aside_come_back_the_last_ones_first(layout):
    run = layout.run(NAME)
    for date, text in enumerate(("newer", "older")):
        leave_checkpoint(layout, text)
        os.utime(run.state, (-date, -date))
        put_checkpoints_aside(layout, run)
        assert not run.state.exists()
    for text in ("newer", "older"):
        take_checkpoints_back(layout, run)
        take_checkpoints_back(layout, run)
        assert checkpoints(layout) == [text]
        shutil.rmtree(run.state)
    take_checkpoints_back(layout, run)
    assert not run.state.exists()


def test_checkpoints_that_prune_put_aside_come_back(layout):
    leave_checkpoint(layout, "first")
    put_aside(layout, [])
    take_checkpoints_back(layout, layout.run(NAME))
    assert checkpoints(layout) == ["first"]


def test_checkpoints_of_a_run_that_trains_stay(layout):
    leave_checkpoint(layout, "first")
    with FileLock(layout.run(NAME).lock):
        put_checkpoints_aside(layout, layout.run(NAME))
    assert checkpoints(layout) == ["first"]


def test_doctor_says_who_put_runs_aside(layout, monkeypatch):
    write(layout, "misfit")
    put_run_aside(layout, layout.run(NAME))
    monkeypatch.setattr(doctor, "_survey", lambda configuration: [])
    [said] = doctor.diagnose(layout, [], []).outside
    assert said == (
        "1 run in results/digits/aside, put there by latentgrid prune, or by snakemake before a "
        "new training"
    )
