"""A fact of a source stands once: where it changes, what the pages say of it changes too."""

import csv
from dataclasses import replace

import pandas as pd
import pytest

from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.reference import facts, published
from latentgrid.report import findings, reproduction
from latentgrid.report.page import templates
from latentgrid.results.tables import read_published
from latentgrid.verdicts import numbers, rule
from latentgrid.verdicts.claims import separation
from latentgrid.verdicts.rule import Verdict
from project import ROOT
from test_verdicts import grid_runs, write_verdicts

TEMPLATES = sorted((ROOT / "src/latentgrid/report").glob("*.j2"))


def changed(path, column, value, **of_rows):
    """Write the published numbers with another value in a column of some rows."""
    with (ROOT / published.PUBLISHED).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if of_rows.items() <= row.items():
            row[column] = value
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_another_tolerance_is_another_verdict_and_another_word(tmp_path, monkeypatch):
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6] * 3))
    assert rule.decide(facts.LOSS, 100.0, [104.0]) == Verdict.NOT_REPRODUCED
    page = templates().get_template("reproduction.html.j2")
    assert "(2 % of a loss, 0.01 of a silhouette)" in page.render(
        verdicts=reproduction.read_reproduction(Layout("mnist"))
    )
    loss, silhouette = facts.QUANTITIES[facts.LOSS], facts.QUANTITIES[facts.SILHOUETTE]
    monkeypatch.setitem(facts.QUANTITIES, facts.LOSS, replace(loss, relative=0.05))
    monkeypatch.setitem(facts.QUANTITIES, facts.SILHOUETTE, replace(silhouette, absolute=0.03))
    assert rule.decide(facts.LOSS, 100.0, [104.0]) == Verdict.REPRODUCED
    assert "(5 % of a loss, 0.03 of a silhouette)" in page.render(
        verdicts=reproduction.read_reproduction(Layout("mnist"))
    )
    assert {part.least for part in separation.examine(grid_runs([1.0]))} == {-0.03}


def test_the_documentation_has_the_tolerances_of_the_rule():
    text = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    words = " and ".join(of.tolerance_in_words for of in facts.QUANTITIES.values())
    assert f"The tolerance is {words}." in text


def test_other_published_epochs_are_other_words_and_other_runs(tmp_path):
    path = changed(tmp_path / "published.csv", "epochs", "80", table="VII.1")
    lengths = published.epochs_of_tables(published.numbers(path))
    assert (lengths["VII.1"], lengths["VII.2"], lengths["4.2"]) == ([80], [50], [])
    losses = pd.DataFrame({"table": "VII.1", "ratio": [1.0], "epochs": [50.0]})
    (_, sentence) = findings.agreement(losses, lengths)
    assert "as few as 50 epochs and the published ones for 80" in sentence
    table = numbers.table(read_published(path), grid_runs([2.2e6] * 3), "mnist")
    assert table["reason"].str.contains("published 80 epochs").any()


def test_what_a_reader_should_know_of_a_table_is_its_origins(tmp_path):
    note = "no reference run"
    now = published.notes_on_tables(published.numbers(ROOT / published.PUBLISHED))
    assert [table for table, words in now.items() if note in words] == ["VII.2"]
    path = changed(tmp_path / "published.csv", "origin", facts.NO_SCRIPT, table="VII.3")
    then = published.notes_on_tables(published.numbers(path))
    assert [table for table, words in then.items() if note in words] == ["VII.2", "VII.3"]
    verdicts = numbers.table(read_published(path), grid_runs([2.2e6]), "mnist")
    of_table = verdicts[verdicts["table"] == "VII.3"]
    assert set(of_table["verdict"]) == {Verdict.NO_REFERENCE_RUN}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_page_has_no_facts_of_its_own(template):
    text = template.read_text(encoding="utf-8")
    said = [*facts.MODELS_000, "Source 002", "MNIST", "2 %", "0.01", "50 epochs", "reference run"]
    assert [fact for fact in said if fact in text] == []


def test_what_figures_quote_is_what_was_published():
    rows = published.numbers(ROOT / published.PUBLISHED)
    silhouettes = [row["value"] for row in rows if row["quantity"] == facts.SILHOUETTE]
    for figure in ("silhouettes", "silhouette_profiles"):
        assert all(str(value) in catalogue.figure(figure).claim for value in silhouettes)
    (epochs,) = published.epochs_of_tables(rows)["VII.1"]
    assert f"for {epochs} epochs" in catalogue.figure("learning_curves").claim
