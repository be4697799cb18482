"""What docs/published says of numbers and claims is what our records give, with today's rules."""

from dataclasses import replace
from itertools import chain

import pandas as pd
import pytest

from latentgrid.evaluation.tables import IDENTITY, OUTCOME
from latentgrid.files.layout import Layout
from latentgrid.results.tables import read_table, separated
from latentgrid.studies.records import PREFIX
from latentgrid.verdicts import numbers
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.evidence import gather
from project import ROOT
from studies import our_study, with_claims_of

PUBLISHED = ROOT / "docs/published"
PAGE = PUBLISHED / "README.md"
MORE = 10  # records that the page may lack before it is made again
KEYS = {
    "verdicts": ["study", "table", "model", "setting", "quantity", "published"],
    "claims": ["study", "name", "part"],
}
FOUND = {"verdicts": ["n", "ours", "verdict"], "claims": ["n", "effect", "answer"]}


def published(table):
    words = {"setting": "", "part": "", "runs": ""}
    return read_table(PUBLISHED / "tables" / f"{table}.csv").fillna(words)


def records_of(*tables):
    """Return the records that stand in the column `runs` of tables."""
    cells = chain.from_iterable(table["runs"] for table in tables)
    return {run for cell in cells for run in separated(cell) if run.startswith(PREFIX)}


@pytest.fixture
def studies(monkeypatch):
    names = pd.concat([published("verdicts")["study"], published("claims")["study"]]).unique()
    found = list(map(our_study, names))
    with_claims_of(monkeypatch, *(study.folder for study in found))
    return found


@pytest.fixture
def evidence(studies, tmp_path, monkeypatch):
    """All records, and no run."""
    monkeypatch.chdir(tmp_path)
    runs = pd.DataFrame(columns=[*IDENTITY, *OUTCOME])
    return gather(Layout("mnist"), studies, runs, {"images": 60_000, "pixels": 784})


def judged(studies, evidence):
    finished = evidence.runs[evidence.runs["status"] == "finished"]
    return numbers.table(studies, evidence), claims_table(studies, finished)


def test_the_published_page_says_what_the_records_give_that_it_stands_on(studies, evidence):
    """Records that are new are left out here, and so is what stands on the page's own runs."""
    tables = {name: published(name) for name in KEYS}
    named = records_of(*tables.values())
    runs = evidence.runs[evidence.runs["run"].isin(named)]
    assert len(runs) == len(named)
    now = judged(studies, replace(evidence, runs=runs))
    for (name, told), found in zip(tables.items(), now, strict=True):
        columns = [*KEYS[name], *FOUND[name]]
        own = told["runs"].map(lambda cell: any(not r.startswith(PREFIX) for r in separated(cell)))
        both = told.loc[~own, columns].merge(found[columns], on=KEYS[name], suffixes=("", " now"))
        assert len(both) == (~own).sum()
        for column in FOUND[name]:
            again = both[f"{column} now"].astype(both[column].dtype)
            pd.testing.assert_series_equal(both[column], again, check_names=False, rtol=1e-9)


def test_the_published_page_counts_what_its_tables_hold():
    verdicts, claims = published("verdicts"), published("claims")
    page = PAGE.read_text()
    counts = numbers.tally(verdicts)
    heading = f"| {' | '.join(counts)} | \n"
    assert f"| {' | '.join(map(str, counts.values()))} |" in page.partition(heading)[2][:200]
    assert f"Besides these runs, {len(records_of(verdicts, claims))} [records]" in page


def test_the_published_page_lacks_few_records(studies, evidence):
    """Those of the models that its own runs are of do not count."""
    own = evidence.runs["model"].isin(published("runs")["model"])
    used = records_of(*judged(studies, replace(evidence, runs=evidence.runs[~own])))
    new = used - records_of(published("verdicts"), published("claims"))
    assert len(new) <= MORE, "make docs/published again: snakemake published"
