"""Every fact of our studies is known for certain, or refused before anything trains."""

import csv
import shutil

import pytest

from fuzz import end_of
from latentgrid.grid import reading as params_reading
from latentgrid.studies import reading
from project import ROOT, call, copy_project
from studies import change, copy_study, our_study

NUMBERS = sorted((ROOT / "studies").glob("*/numbers.csv"))


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: path.parent.name)
def test_the_numbers_of_our_studies_are_known(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    study = our_study(path.parent.name)
    assert [number.printed for number in study.numbers] == [row["value"] for row in rows]
    assert len(rows) == {"vizoso-2020": 54, "perez-2022": 3}.get(study.name, len(rows))


def test_every_document_is_a_study_under_its_old_name(monkeypatch):
    monkeypatch.chdir(ROOT)
    known = ["vizoso-2020", "modulo-7", "perez-2022", "auto-encoders-slides", "vesel-draft"]
    assert [reading.load(f"00{n}").name for n in range(5)] == known
    assert {study.name for study in reading.chosen("all")} >= set(known)


def wrong_number(project):
    path = project / "studies" / "perez-2022" / "numbers.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("4.2,CVAE", "4.2,CAVE"))
    return "error: studies/perez-2022/numbers.csv, line 4, column model: found 'CAVE'; allowed: "


def wrong_claim(project):
    change(project / "studies" / "perez-2022" / "study.yaml", "alike", "[latent_dims]")
    return "error: studies/perez-2022/study.yaml, line 49: claims.convolution.comparisons.0.alike: "


def no_yaml(project):
    (project / "studies" / "vesel-draft" / "study.yaml").write_text("title: [")
    return "error: studies/vesel-draft/study.yaml: is not valid YAML in line 1: "


def twice(project):
    (project / "studies" / "vizoso-2020").rename(project / "studies" / "vizoso-2021")
    shutil.rmtree(copy_study(project) / "claims")
    return "error: studies: studies/vizoso-2020 and studies/vizoso-2021 are both called 000; "


COMMANDS = {
    "run": ["snakemake", "--cores", "1", "data", "--configfile", "config/quick.yaml"],
    "plan": ["latentgrid", "plan", "--configfile", "config/quick.yaml"],
}


@pytest.mark.parametrize(
    ("spoil", "command"),
    [
        (wrong_number, "run"),
        (wrong_number, "plan"),
        (wrong_claim, "plan"),
        (no_yaml, "plan"),
        (twice, "plan"),
    ],
)
def test_a_wrong_fact_is_named_before_anything_starts(tmp_path, spoil, command):
    project = copy_project(tmp_path / "project")
    expected = spoil(project)
    done = call(project, *COMMANDS[command])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(expected), done.stderr
    assert not (project / "results").exists()
    assert not (project / "data").exists()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("[nothing]", "params.yaml: studies: found 'nothing'; allowed: all, or a list of auto-"),
        ("nothing", "params.yaml: studies: found 'nothing'; allowed: all, or a list"),
        ("[[vizoso-2020]]", "params.yaml: studies: found "),
        ("{vizoso-2020: 1}", "params.yaml: studies: found "),
    ],
)
def test_studies_that_cannot_be_chosen_are_named(tmp_path, monkeypatch, named, words):
    monkeypatch.chdir(ROOT)
    params = tmp_path / "params.yaml"
    params.write_bytes((ROOT / "params.yaml").read_bytes())
    change(params, "studies", named)
    said = end_of("studies", lambda: params_reading.load([params]), words)
    assert "\n" not in said
