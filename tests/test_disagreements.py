"""The page on which text, tables and code of the studies disagree."""

import re

import pytest

from latentgrid.audit.disagreements import disagreements
from latentgrid.commands.audit import write_page
from latentgrid.errors import UserError
from latentgrid.studies import reading
from project import ROOT
from studies import our_study

PAGE = ROOT / "docs/disagreements.md"
STUDY = """\
title: T
authors: [Jane Doe]
year: 2024
place: A journal
dataset: null
statements:
  - about: a rate | a pipe
    said: {"text, section 2": 0.1, code: 0.2}
    holds: code
    effect: none
    ours: as the code
  - about: a batch
    said: {text: 100, code: 100.0}
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "doe-2024").mkdir()
    (tmp_path / "doe-2024/study.yaml").write_text(STUDY)
    return tmp_path / "doe-2024"


def test_the_page_shows_the_studies_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    made = tmp_path / "page.md"
    write_page(made, reading.chosen("all"))
    again = made.read_text().replace(str(made), "docs/disagreements.md")
    assert PAGE.read_text() == again, "run latentgrid audit all --page docs/disagreements.md"


def test_a_study_of_ones_own_is_shown(study, tmp_path):
    write_page(tmp_path / "page.md", [reading.read(study)])
    page = (tmp_path / "page.md").read_text()
    assert (
        "| a rate \\| a pipe | text, section 2: 0.1<br>**code**: 0.2 | none | as the code |" in page
    )
    assert "a batch" not in page
    assert "[Doe 2024](#doe-2024) | 1 | 0 |" in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ours: as", "our: as", "line 11: statements.0.our: unknown key"),
        (
            "ours: as the code",
            "ours: [1]",
            "line 11: statements.0.ours: found [1]; allowed: a text",
        ),
        ("holds: code", "holds: table", "line 9: statements.0.holds: found 'table'; allowed: text"),
        ("year: 2024", "cited_as: ''\nyear: 2024", "line 3: cited_as: found ''"),
    ],
)
def test_a_mistake_is_named_with_its_line(study, old, new, said):
    path = study / "study.yaml"
    path.write_text(STUDY.replace(old, new))
    with pytest.raises(UserError, match=re.escape(f"{path}, {said}")):
        reading.read(study)


def test_what_numbers_show_is_computed():
    found = disagreements(our_study("vizoso-2020"))
    assert len(found.computed["Equal values"]) == 2
    (beaten,) = [
        group
        for group in found.computed["Claims against the study's own table"]
        if "mmd_vae: d = 20 against 50" in group[0].about
    ]
    assert len(beaten) == 3
    assert found.count == len(found.stated) + 23


def test_studies_are_cited_by_author_and_year():
    named = {name: our_study(name).cited for name in ("vizoso-2020", "chadebec-2022", "modulo-7")}
    assert named == {
        "vizoso-2020": "Vizoso 2020",
        "chadebec-2022": "Chadebec et al. 2022",
        "modulo-7": "«Módulo 7»",
    }
