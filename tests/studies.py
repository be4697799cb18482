"""Our studies as they stand in the project, and copies of them with other facts."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from latentgrid.grid import catalogue, plugins
from latentgrid.studies import reading
from latentgrid.studies.study import Study
from project import ROOT

THESIS = "vizoso-2020"
# Two numbers and a claim on the runs of `project.TINY`, made up.
TINY_STUDY = """\
title: A tiny paper
authors: [A. Author]
year: 2024
place: A journal
dataset: digits
seeds: [0]
settings: [latent_dim, optimizer, learning_rate]
trained: {epochs: 1, batch_size: 200}
tables:
  "1": {shows: losses}
quantities:
  loss:
    called: a loss
    unit: nats
    measure: min_train_loss
    relative: 0.02
    better: smaller
claims:
  faster:
    says: A higher rate is better.
    place: section 1
    comparisons:
      - side: {learning_rate: 0.002}
        rival: {learning_rate: 0.001}
        among: {model: vae}
        by: min_train_loss
        better: smaller
        unit: nats
"""
TINY_NUMBERS = """\
table,model,latent_dim,optimizer,learning_rate,quantity,unit,value
1,vae,2,adam,0.001,loss,nats,30.1
1,vae,2,adam,0.002,loss,nats,28.4
"""


@cache
def our_study(name: str) -> Study:
    """Return one of the project's studies."""
    return reading.read(ROOT / "studies" / name)


def copy_study(project: Path, name: str = THESIS, **changes: str) -> Path:
    """Copy one of our studies into a project's `studies/`, without records; return its folder.

    Args:
        project: the folder that has, or gets, a folder `studies`.
        name: the study.
        changes: lines of its study.yaml that get another value, by key, whatever their depth.
    """
    folder = project / "studies" / name
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("records", "__pycache__")
    shutil.copytree(ROOT / "studies" / name, folder, ignore=ignored)
    for key, value in changes.items():
        change(folder / "study.yaml", key, value)
    return folder


def tiny_study(project: Path) -> Path:
    """Write a study on the runs of `project.TINY` into a project and return its folder."""
    folder = project / "studies" / "tiny-2024"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(TINY_STUDY)
    (folder / "numbers.csv").write_text(TINY_NUMBERS)
    return folder


def change(path: Path, key: str, value: str) -> None:
    """Give each line of a YAML file that begins with a key another value."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
    assert found, f"{path} has no {key}"
    for number in found:
        indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        lines[number] = f"{indent}{key}: {value}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def with_claims_of(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let claims that are files of these studies be found until the end of the test."""
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    plugins.choose([], folders)
    catalogue.read_plugins()
