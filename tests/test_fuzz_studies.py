"""Whatever stands in a study's numbers.csv: a message that names file and line, or verdicts."""

import csv
from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import cases, end_of, spoilt
from latentgrid.studies import reading
from latentgrid.verdicts import numbers
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.rule import Verdict
from studies import copy_study, our_study

PLACE = our_study("vizoso-2020").folder / "numbers.csv"
LINES = PLACE.read_text(encoding="utf-8").splitlines()
# Rows of every table, and few of each.
SHORT = "\n".join([LINES[0], *(line for line in LINES if ",2,adam" in line)]) + "\n"
ODD = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "nan",
                "inf",
                "-inf",
                "1e400",
                "-1",
                "0",
                "1,5",
                "0x10",
                "１２",
                "1e308",
                "5e-324",
            ),
            *("true", "vae", "../x", "<script>", "é", "💥", "\x00", "a\nb", '"', "x" * 3000, "NA"),
        ]
    ),
    st.text(max_size=8),
    st.floats().map(str),
)
RUNS = pd.DataFrame(
    {
        "run": ["vae/a/seed=0", "vae/a/seed=1", "vae/b/seed=0"],
        "entry": "vae",
        "model": "vae",
        "seed": [0, 1, 0],
        "latent_dim": 2,
        "optimizer": ["adadelta", "adadelta", "adam_000"],
        "learning_rate": 0.00075,
        "planned_epochs": 50,
        "batch_size": 100,
        "precision": "float32",
        "status": "finished",
        "reason": None,
        "epochs": 50,
    }
)
HISTORY = pd.DataFrame({"run": RUNS["run"], "train_batch_sum": [2180000.0, 2190000.0, 2164000.0]})
EVIDENCE = Evidence(RUNS, HISTORY, {"images": 60_000, "pixels": 784})


@st.composite
def changed(draw):
    """The table with cells, lines or columns that are others, gone or there twice."""
    rows = list(csv.reader(StringIO(SHORT)))
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.integers(0, max(len(rows) - 1, 0)))
        column = draw(st.integers(0, 8))
        match draw(st.sampled_from(["cell", "cell", "cell", "row", "twice", "column", "longer"])):
            case "cell" if rows and column < len(rows[line]):
                rows[line][column] = draw(ODD)
            case "row" if rows:
                del rows[line]
            case "twice" if rows:
                rows.insert(line, list(rows[line]))
            case "column":
                for row in rows:
                    del row[column : column + 1]
            case _ if rows:
                rows[line].append(draw(ODD))
    text = StringIO()
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t"]))
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return (mark + text.getvalue()).encode()


def judge(folder):
    study = reading.read(folder)
    verdicts = numbers.table([study], EVIDENCE)
    assert len(verdicts) == len(study.numbers)
    assert {*verdicts["verdict"]} <= {*Verdict}
    numbers.rank_agreement(verdicts)


@pytest.fixture
def folder(tmp_path):
    """The thesis without claims, so that any of its numbers may be missing."""
    folder = copy_study(tmp_path)
    path = folder / "study.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("\nclaims:")[0] + "\n")
    return folder


def test_the_table_as_it_is_gets_verdicts(folder):
    (folder / "numbers.csv").write_text(SHORT)
    judge(folder)


@given(changed())
@cases(70)
def test_changed_cells_lines_and_columns(folder, content):
    (folder / "numbers.csv").write_bytes(content)
    end_of("published", lambda: judge(folder), str(folder / "numbers.csv"))


@given(spoilt(SHORT.encode()))
@cases(30)
def test_a_spoilt_table(folder, content):
    (folder / "numbers.csv").write_bytes(content)
    end_of("published", lambda: judge(folder), str(folder / "numbers.csv"))
