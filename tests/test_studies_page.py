"""docs/studies.md: a reader follows the page to add the table of a paper, and it is judged."""

import re

import pandas as pd
import pytest

from project import ROOT, copy_project, run, without_links
from test_docs import named_blocks

PAGE = ROOT / "docs" / "studies.md"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("studies_page")]


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """A project to which the study of the page was added, file by file, and trained."""
    project = copy_project(tmp_path_factory.mktemp("studies") / "project")
    for name, content in named_blocks(PAGE.read_text(encoding="utf-8")):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content, encoding="utf-8")
    run(project, "snakemake", "--cores", "2", "--configfile", "studies/doe-2024/grid.yaml")
    return project


def test_the_study_of_the_page_is_judged_as_the_page_says(added):
    verdicts = pd.read_csv(added / "results/digits/tables/verdicts.csv")
    assert list(verdicts["verdict"]) == ["reproduced", "reproduced", "not reproduced"]
    assert list(verdicts["n"]) == [3, 3, 3]
    (claim,) = pd.read_csv(added / "results/digits/tables/claims.csv").to_dict("records")
    assert (claim["name"], claim["answer"], claim["n"]) == ("more_is_better", "supported", 3)


def test_the_command_judges_as_the_workflow_does(added):
    said = run(added, "latentgrid", "verdicts", "doe-2024").stdout
    assert "Jane Doe (2024). Hidden units of small autoencoders." in said
    assert "0 records and 9 runs in results/ on digits; 3 seeds were fixed." in said
    assert "Numbers: 2 reproduced, 1 not reproduced." in said
    assert re.search(r"hidden 32 +371 +349\.\d+ +0\.94\d +\d\.\d % +3 of 3 +not reproduced", said)


def test_the_audit_finds_what_the_table_says_by_itself(added):
    said = run(added, "latentgrid", "audit", "doe-2024").stdout
    assert "356.17" in said
    assert "the number of epochs" in said


def test_the_report_names_the_study_and_leaves_the_others_out(added):
    page = without_links(added / "results/digits/report.html")
    assert "Jane Doe (2024). Hidden units of small autoencoders." in page
    assert "More hidden units always help." in page
    assert "2 epochs, as at the table" in page


def test_the_items_say_what_of_the_study_is_here(added):
    said = run(added, "latentgrid", "coverage", "doe-2024", "--page", "coverage.md").stdout
    assert re.search(r"Doe 2024 +1 +1 +1", said)
    page = (added / "coverage.md").read_text(encoding="utf-8")
    assert (
        "| faces | data | section 4 | **not covered** |  | the pictures may not be handed on |"
        in page
    )


def test_nothing_is_left_to_train(added):
    said = run(added, "latentgrid", "plan", "--open", "--configfile", "studies/doe-2024/grid.yaml")
    assert "0 verdicts wait" in said.stdout
