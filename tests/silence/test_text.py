"""What others wrote is text wherever it is shown: to a terminal, a page, a spreadsheet."""

import ast
import csv
import io
import math
import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

from latentgrid.commands import why
from latentgrid.commands.compare import compare
from latentgrid.errors import UserError, plain_errors, printable, without_credentials
from latentgrid.evaluation.tables import as_cell, write_table
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.pipeline import failure
from latentgrid.report.markdown import markdown_templates
from latentgrid.report.page import templates
from project import ROOT
from tiny import seal, write_config

RED, BACK, TURNED = "\x1b[31m", "\x08\r", "\u202e"
ATTACK = f"{RED}a{BACK}b{TURNED}c\x9b2J\u2066d\x00"
SEEN = "�[31ma��b�c�2J�d�"


def test_letters_that_cannot_be_seen_are_shown_as_one_that_can():
    assert printable(ATTACK) == SEEN
    assert printable("β = 0,5 – é 数 💥\n5\u202f000") == "β = 0,5 – é 数 💥\n5\u202f000"


def test_an_error_commands_no_terminal():
    with pytest.raises(SystemExit) as ended, plain_errors():
        raise UserError(f"{ATTACK}: no such file")
    assert ended.value.code == f"error: {SEEN}: no such file"
    with pytest.raises(SystemExit) as ended, plain_errors():
        raise PermissionError(13, "Permission denied", ATTACK.replace("\x00", ""))
    assert ended.value.code.isprintable()


def test_the_end_of_a_failed_jobs_log_commands_no_terminal(tmp_path, capsys):
    log = tmp_path / "train.log"
    log.write_bytes(f"{ATTACK}\n\tindented\n".encode() + b"\xff\n")
    jobs = SimpleNamespace(scheduler=SimpleNamespace(failed=[SimpleNamespace(log=[str(log)])]))
    failure.say_what_failed(jobs, SimpleNamespace(results=tmp_path))
    said = capsys.readouterr().err
    # splitlines takes a carriage return for the end of a line.
    assert said.splitlines() == [
        f"failed: {log}",
        "    �[31ma�",
        "    b�c�2J�d�",
        "            indented",
        "    �",
    ]


def test_names_of_files_that_differ_command_no_terminal(tmp_path):
    name = f"{RED}{TURNED}.txt"
    for folder, text in (("one", "a"), ("other", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    assert name in compare(tmp_path / "one", tmp_path / "other").differences
    command = [sys.executable, "-m", "latentgrid", "compare", "one", "other"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert "�[31m�.txt: " in done.stdout.decode()
    assert b"\x1b" not in done.stdout + done.stderr


def test_what_made_a_run_commands_no_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    files = layout.run("vae/default/seed=0")
    settings = {"model": "vae", "optimizer": ATTACK, "hyperparameters": {}}
    words = dict.fromkeys(("code", "data sha256", "device"), f"[red]{ATTACK}")
    write_config(files, settings, libraries={ATTACK: ATTACK}, **words)
    dates = dict.fromkeys(("started", "ended"), "2026-01-01T00:00:00+00:00")
    timing = {"host": ATTACK, "seconds per epoch": [1]} | dates
    write_json(files.timing, timing)
    write_json(files.outcome, {"status": ATTACK, "reason": "", "epochs": 1})
    for path in (files.history, files.snapshots, files.weights):
        path.touch()
    seal(files)
    (files.folder / f"[red]{TURNED}").touch()
    said = io.StringIO()
    found = why.Origin(layout, ATTACK, ["vae/default/seed=0"], note=ATTACK)
    why.show(found, Console(file=said, width=400))
    assert all(printable(line) == line for line in said.getvalue().splitlines())
    assert "[red]�" in said.getvalue()
    assert f"optimizer {SEEN}" in said.getvalue()


@pytest.mark.parametrize("environment", [templates(), markdown_templates()])
def test_a_page_shows_no_letter_that_cannot_be_seen(environment):
    page = environment.from_string("<b>{{ word }}</b> {{ number }}")
    assert page.render(word=ATTACK, number=3) == f"<b>{SEEN}</b> 3"


def test_what_a_page_is_made_of_stays_as_it_is():
    page = templates().from_string("{{ script|safe }} {{ word }}")
    assert page.render(script="<i>\x08</i>", word="<i>") == "<i>\x08</i> &lt;i&gt;"


# Spreadsheets.


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd", "'-2+3+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("\t=1", "'�=1"),
        ("\r=1", "'�=1"),
        ("a=1", "a=1"),
        ("-0.5", "-0.5"),
        ("+1e-3", "+1e-3"),
        ("", ""),
        (ATTACK, SEEN),
        (-0.5, -0.5),
        (-3, -3),
        (None, None),
    ],
)
def test_a_spreadsheet_runs_no_cell(value, cell):
    assert as_cell(value) == cell


def test_tables_are_written_as_text_and_numbers(tmp_path):
    table = pd.DataFrame(
        {
            "reason": ["=1+1", None, "trained"],
            "ours": [-1.5, math.nan, 2.0],
            "n": [-1, 0, 1],
            "mixed": [-2, "@x", 0.5],
        }
    )
    write_table(tmp_path / "table.csv", table)
    rows = list(csv.reader((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert rows == [
        ["reason", "ours", "n", "mixed"],
        ["'=1+1", "-1.5", "-1", "-2"],
        ["", "", "0", "'@x"],
        ["trained", "2.0", "1", "0.5"],
    ]
    assert table["reason"][0] == "=1+1"


# URLs.


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("me:secret@host/mnist is down", "host/mnist is down"),
        ("(me:secret@host:mnist)", "(host:mnist)"),
        ("HTTPS://me:secret@HOST/", "HTTPS://HOST/"),
        ("http://me%3Asecret%40host/", "http://host/"),
        ("http%3A%2F%2Fme%3Asecret%40host", "http%3A%2F%2Fhost"),
        ("http://me:secret@[::1]:80/a", "http://[::1]:80/a"),
        ("http://host/a#token=secret.", "http://host/a"),
        ("http://host/a;jsessionid=secret (no)", "http://host/a (no)"),
        ("http://host/a%3Ftoken%3Dsecret", "http://host/a"),
        ("http://host/a; then http://[::1]/", "http://host/a; then http://[::1]/"),
        ("params.yaml: a:b, me@host, /home/a:b@c/d", "params.yaml: a:b, me@host, /home/a:b@c/d"),
    ],
)
def test_credentials_are_left_out_of_any_form_of_url(text, left):
    assert without_credentials(text) == left


# Encodings.


def test_text_is_read_and_written_in_utf_8_whatever_the_locale():
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for folder in ("src", "benchmarks", "workflow")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and is_in_the_encoding_of_the_locale(call)
    ]
    assert found == []


def is_in_the_encoding_of_the_locale(call):
    options = {option.arg: ast.unparse(option.value) for option in call.keywords}
    if "encoding" in options:
        return False
    if options.get("text") == "True":
        return True
    if not isinstance(call.func, ast.Attribute):
        return ast.unparse(call.func) == "open"
    if call.func.attr in {"read_text", "write_text"}:
        named = [ast.unparse(argument) for argument in call.args]
        return "'utf-8'" not in named
    owner = ast.unparse(call.func.value)
    binary = any("b" in ast.unparse(argument) for argument in call.args)
    return call.func.attr == "open" and owner not in {"os", "Image"} and not binary


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [["models"], ["figures"], ["--help"], ["plan", "--help"]])
def test_a_terminal_without_greek_is_written_to(encoding, command):
    done = subprocess.run(
        [sys.executable, "-m", "latentgrid", *command],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding)
    assert done.stderr == b""


def test_a_command_without_any_output_prints_nowhere():
    command = 'exec "$0" -m latentgrid --version >&-'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_step_prints_to_a_terminal_without_greek():
    script = "from latentgrid.jobs.step import run_step\nrun_step(lambda: print('β ✓', flush=True))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"? ?\n")
