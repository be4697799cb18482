"""A fact of a study stands once: where it changes, what the pages say of it changes too."""

import pytest

from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.report import reproduction
from latentgrid.report.page import templates
from latentgrid.studies import reading
from latentgrid.verdicts import comparisons, numbers, rule
from latentgrid.verdicts.rule import Verdict
from project import ROOT
from studies import copy_study, our_study
from test_verdicts import CODES, LOSS, STUDIES, THESIS, evidence, grid_runs, write_verdicts

TEMPLATES = sorted((ROOT / "src/latentgrid/report").glob("*.j2"))


def test_another_tolerance_is_another_verdict_and_another_word(tmp_path, monkeypatch):
    def said(studies):
        page = templates().get_template("reproduction.html.j2")
        return page.render(verdicts=reproduction.read_reproduction(Layout("mnist"), studies))

    changed = [
        reading.read(copy_study(tmp_path, THESIS.name, relative="0.05")),
        reading.read(copy_study(tmp_path, CODES.name, absolute="0.03")),
    ]
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6] * 3), STUDIES)
    assert "(2 % of a loss, 0.01 of a silhouette)" in said(STUDIES)
    assert "(5 % of a loss, 0.03 of a silhouette)" in said(changed)
    wider = changed[0].facts.quantities["min_epoch_sse_kl"]
    assert rule.decide(LOSS, 100.0, [104.0]) == Verdict.NOT_REPRODUCED
    assert rule.decide(wider, 100.0, [104.0]) == Verdict.REPRODUCED


def test_no_better_means_by_no_more_than_the_tolerance():
    """The claim has a number of its own for it, as YAML cannot name another key's."""
    separation = CODES.facts.claims["separation"]
    tolerance = CODES.facts.quantities["mean_silhouette_test"].absolute
    parts = comparisons.examine(CODES, separation, grid_runs([1.0]))
    assert {part.least for part in parts} == {-tolerance}


def test_the_documentation_has_the_tolerances_of_the_studies():
    text = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    quantities = [of for study in STUDIES for of in study.facts.quantities.values()]
    words = " and ".join(dict.fromkeys(of.tolerance_in_words for of in quantities))
    assert f"The tolerance is {words}." in text


def test_other_published_epochs_are_other_words_and_other_runs(tmp_path):
    trained = "{epochs: 80, batch_size: 100}"
    study = reading.read(copy_study(tmp_path, trained=trained))
    table = numbers.table([study], evidence(grid_runs([2.2e6] * 3)))
    assert table["reason"].str.contains("trained 50 epochs .* published 80 epochs").any()
    table = numbers.table([study], evidence(grid_runs([2.2e6] * 3, planned_epochs=80)))
    assert table["n"].sum() == 3


def test_what_a_reader_should_know_of_a_table_stands_in_its_study(tmp_path, monkeypatch):
    folder = copy_study(tmp_path)
    path = folder / "study.yaml"
    text = path.read_text(encoding="utf-8")
    shows = "shows: the smallest loss of the MMD-VAE at each setting"
    assert shows in text
    path.write_text(text.replace(shows, f"{shows}, open: no reference run, because: a test"))
    study = reading.read(folder)
    verdicts = numbers.table([study], evidence(grid_runs([2.2e6])))
    opened = {"VII.2", "VII.3"}
    for name, of_table in verdicts.groupby("table"):
        assert (set(of_table["verdict"]) == {Verdict.NO_REFERENCE_RUN}) == (name in opened)
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6]), [study])
    found = reproduction.read_reproduction(Layout("mnist"), [study])
    assert [row["table"] for row in found.tables if row["note"]] == ["VII.2"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_page_has_no_facts_of_its_own(template):
    text = template.read_text(encoding="utf-8")
    models = {number.model for number in THESIS.numbers}
    said = [*models, *(study.name for study in STUDIES), *THESIS.facts.aliases]
    said += ["Source 00", "MNIST", "2 %", "0.01", "50 epochs", "reference run"]
    assert [fact for fact in said if fact in text] == []


def test_what_figures_quote_is_what_was_published():
    printed = [number.printed for number in our_study("perez-2022").numbers]
    for figure in ("silhouettes", "silhouette_profiles"):
        assert all(number in catalogue.figure(figure).claim for number in printed)
    epochs = THESIS.facts.trained["epochs"]
    assert f"for {epochs} epochs" in catalogue.figure("learning_curves").claim
