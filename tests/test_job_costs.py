"""What each job writes down of its own time and memory."""

import os

import pytest

from latentgrid.commands.benchmarks import by_rule
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.jobs import benchmarks
from latentgrid.jobs.benchmarks import Cost, read, write_down
from latentgrid.jobs.client import JOB
from latentgrid.jobs.orders import ORDERS

LAYOUT = Layout("digits")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The environment of a job that was given an order."""
    monkeypatch.chdir(tmp_path)
    LAYOUT.results.mkdir(parents=True)
    monkeypatch.setenv(JOB, "train:vae/seed=0")
    monkeypatch.setenv(ORDERS, str(LAYOUT.orders))


def test_a_job_writes_down_its_own_cost_and_the_last_one_counts(job):
    for work in (1, 3_000_000):
        sum(range(work))
        write_down()
    (cost,) = read(LAYOUT.benchmarks)
    assert (cost.job, cost.rule) == ("train:vae/seed=0", "train")
    assert 0 < cost.cpu_seconds <= sum(os.times()[:2]) + 0.1
    assert cost.seconds > 0
    assert 10 < cost.memory_mb < 100_000
    assert len(LAYOUT.benchmarks.read_text().splitlines()) == 3


@pytest.mark.parametrize("unfinished", ["train:other,tr", "train:other,train,1.0,0.5,12"])
def test_an_unfinished_line_is_no_row_and_takes_none_away(job, unfinished):
    write_down()
    with LAYOUT.benchmarks.open("a") as table:
        table.write(unfinished)
    assert [cost.job for cost in read(LAYOUT.benchmarks)] == ["train:vae/seed=0"]
    write_down()
    assert [cost.job for cost in read(LAYOUT.benchmarks)] == ["train:vae/seed=0"]
    assert len(LAYOUT.benchmarks.read_text().splitlines()) == 3


@pytest.mark.parametrize("unfinished", ["", "job,ru"])
def test_a_table_without_a_whole_line_is_begun_anew(job, unfinished):
    LAYOUT.benchmarks.write_text(unfinished)
    write_down()
    assert [cost.job for cost in read(LAYOUT.benchmarks)] == ["train:vae/seed=0"]


def test_a_table_that_cannot_be_written_fails_no_job(job, capsys):
    LAYOUT.benchmarks.mkdir()
    write_down()
    assert capsys.readouterr().err.startswith(f"warning: {LAYOUT.benchmarks}: Is a directory")


def test_a_job_without_an_order_writes_nothing(job, monkeypatch):
    monkeypatch.delenv(ORDERS)
    write_down()
    assert not LAYOUT.benchmarks.exists()


def test_costs_are_summed_up_by_rule(job, monkeypatch):
    for name, seconds in (("train:a", 2.0), ("train:b", 4.0), ("report", 1.5)):
        monkeypatch.setenv(JOB, name)
        cost = Cost(name, name.partition(":")[0], seconds, seconds / 2, 300.0)
        monkeypatch.setattr(benchmarks, "_cost", lambda _, cost=cost: cost)
        write_down()
    table = by_rule(LAYOUT)
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert rows == [
        ("report", "1", "1.5", "1.5", "1.5", "0.8", "300"),
        ("train", "2", "3.0", "4.0", "6.0", "3.0", "300"),
    ]


@pytest.mark.parametrize(
    "content", ["job,rule\nx,y\n", "job,rule,seconds,cpu_seconds,memory_mb\n1\n"]
)
def test_a_damaged_table_is_named(job, content):
    LAYOUT.benchmarks.write_text(content)
    with pytest.raises(UserError, match=r"benchmarks\.csv: is damaged"):
        read(LAYOUT.benchmarks)


def test_without_any_job_it_is_said_that_there_is_none(job):
    with pytest.raises(UserError, match="the first job makes it"):
        by_rule(LAYOUT)
