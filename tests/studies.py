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


@cache
def our_study(name: str) -> Study:
    """Return one of the project's studies."""
    return reading.read(ROOT / "studies" / name)


def copy_study(project: Path, name: str = THESIS, **changes: str) -> Path:
    """Copy one of our studies into a project's `studies/` and return its folder.

    Args:
        project: the folder that has, or gets, a folder `studies`.
        name: the study.
        changes: lines of its study.yaml that get another value, by key, whatever their depth.
    """
    folder = project / "studies" / name
    shutil.copytree(ROOT / "studies" / name, folder, dirs_exist_ok=True)
    for key, value in changes.items():
        change(folder / "study.yaml", key, value)
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
