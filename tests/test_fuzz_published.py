"""Whatever stands in reference/published.csv: a message that names file and line, or verdicts."""

import csv
from io import StringIO
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from latentgrid.reference.facts import AXES_000

from fuzz import cases, end_of, spoilt
from latentgrid.evaluation import tables
from latentgrid.results.tables import read_published
from latentgrid.verdicts import numbers
from latentgrid.verdicts.rule import Verdict

CONTENT = Path("reference/published.csv").read_text(encoding="utf-8")
LINES = CONTENT.splitlines()
# Every kind of row, and few of each.
SHORT = "\n".join([LINES[0], *LINES[1:4], *LINES[20:22], *LINES[40:42], *LINES[-3:]]) + "\n"
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
        "optimizer": ["rmsprop", "rmsprop", "adam"],
        "learning_rate": 0.00075,
        "planned_epochs": 50,
        "batch_size": 100,
        "precision": "float32",
        "status": "finished",
        "reason": None,
        "epochs": 50,
        "min_train_batch_sum": [2180000.0, 2190000.0, 2164000.0],
        "min_train_batch_sum_corrected": [2120600.0, 2130600.0, 2104600.0],
        "silhouette": [0.1, 0.2, 0.3],
    }
)


@st.composite
def changed(draw):
    """The table with cells, lines or columns that are others, gone or there twice."""
    rows = list(csv.reader(StringIO(SHORT)))
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.integers(0, max(len(rows) - 1, 0)))
        column = draw(st.integers(0, 12))
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


def judge(path):
    published = read_published(path)
    verdicts = numbers.table(published, RUNS, "mnist")
    assert len(verdicts) == len(published)
    assert set(verdicts["verdict"]) <= set(Verdict) if len(verdicts) else True
    if len(verdicts):
        numbers.rank_agreement(verdicts)
    settings = tables.settings_table(RUNS, AXES_000)
    tables.losses_table(settings, published, "mnist")


@given(changed())
@cases(70)
def test_changed_cells_lines_and_columns(tmp_path, content):
    path = tmp_path / "published.csv"
    path.write_bytes(content)
    end_of("published", lambda: judge(path), str(path))


@given(spoilt(SHORT.encode()))
@cases(30)
def test_a_spoilt_table(tmp_path, content):
    path = tmp_path / "published.csv"
    path.write_bytes(content)
    end_of("published", lambda: judge(path), str(path))


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(CONTENT, encoding="utf-8-sig")
    assert read_published(path).equals(read_published())
