"""From a number to its runs: on the command line, and by two clicks in the report."""

import contextlib
import hashlib
import shlex
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
from rich.console import Console

from latentgrid.commands import why
from latentgrid.commands.why import origin, show
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import TABLES, VERDICTS, Layout
from latentgrid.results.tables import joined
from latentgrid.steps import verdicts
from latentgrid.studies import reading
from project import TINY, built, copy_built, run
from studies import tiny_study
from tiny import seal, write_config

LAYOUT = Layout("digits")
FIRST, SECOND, FAILED = "vae/latent_dim=2/seed=0", "vae/latent_dim=2/seed=1", "ae/default/seed=0"
COMMIT = "0123456789ab"


def write_run(name, code=COMMIT, device="cpu"):
    files = LAYOUT.run(name)
    files.folder.mkdir(parents=True)
    files.weights.write_bytes(name.encode())
    settings = {"model": "vae", "hyperparameters": {"latent_dim": 2}, "optimizer": None}
    settings |= {"snapshots": {}, "seed": int(name[-1])}
    write_config(files, settings, code=code, device=device, **{"data sha256": "d" * 64})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 2})
    started = {"host": "here", "started": "2026-01-02T03:04:05+00:00"}
    started |= {"ended": "2026-01-02T03:05:35+00:00"}
    write_json(files.timing, started | {"seconds per epoch": [30.0, 60.0]})
    for path in (files.history, files.snapshots):
        path.touch()
    seal(files)


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """The results of two runs of a setting and one that failed."""
    monkeypatch.chdir(tmp_path)
    for name in (FIRST, SECOND):
        write_run(name)
    LAYOUT.tables.mkdir()
    status = ["finished", "finished", "failed"]
    runs = pd.DataFrame({"run": [FIRST, SECOND, FAILED], "entry": ["vae", "vae", "ae"]})
    runs.assign(status=status).to_csv(LAYOUT.tables / "runs.csv", index=False)
    settings = pd.DataFrame({"entry": ["vae"], "runs": [joined([FIRST, SECOND])], "loss": [1.5]})
    settings.to_csv(LAYOUT.tables / "best.csv", index=False)
    judged = pd.DataFrame(
        {"table": ["VII.1"], "runs": [None], "reason": ["no run of this setting"]}
    )
    judged.to_csv(LAYOUT.tables / "verdicts.csv", index=False)
    pd.DataFrame({"entry": ["vae"]}).to_csv(LAYOUT.tables / "settings.csv", index=False)
    (LAYOUT.tables / "marginal.csv").write_text("\n")
    seen = {
        "samples": {"entries": ["vae"], "seen": [], "missing": ""},
        "two_points": {"entries": [], "seen": [], "missing": ""},
    }
    for figure, what in seen.items():
        write_json(LAYOUT.seen(figure), what)
    for figure in ("samples.png", "samples.pdf", "two_points.png", "old.png"):
        (LAYOUT.figures / figure).touch()
    LAYOUT.report.touch()
    LAYOUT.plan.touch()


def said(what):
    console = Console(width=200)
    with console.capture() as captured:
        show(origin(what), console)
    return captured.get()


@pytest.mark.parametrize(
    ("what", "runs"),
    [
        (f"{LAYOUT.tables}/runs.csv:2", [SECOND]),
        (f"{LAYOUT.tables}/runs.csv:3", [FAILED]),
        (f"{LAYOUT.tables}/runs.csv", [FIRST, SECOND, FAILED]),
        (f"{LAYOUT.tables}/best.csv:1", [FIRST, SECOND]),
        (f"{LAYOUT.tables}/verdicts.csv:1", []),
        (f"{LAYOUT.tables}/marginal.csv", []),
        (f"{LAYOUT.figures}/samples.pdf", [FIRST, SECOND]),
        (f"{LAYOUT.figures}/two_points.png", []),
        (str(LAYOUT.report), [FIRST, SECOND]),
        (FIRST, [FIRST]),
        (str(LAYOUT.run(FIRST).folder), [FIRST]),
        (f"./{LAYOUT.run(SECOND).weights}", [SECOND]),
        (f"{LAYOUT.runs}/vae", [FIRST, SECOND]),
    ],
)
def test_what_leads_to_its_runs(what, runs):
    assert origin(what).runs == runs


def test_an_absolute_path_leads_there_too(tmp_path):
    assert origin(str(tmp_path / LAYOUT.run(FIRST).config)).runs == [FIRST]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (f"{LAYOUT.tables}/runs.csv:0", "has no row 0; rows count from 1 below the header: 1 to 3"),
        (f"{LAYOUT.tables}/runs.csv:4", "has no row 4"),
        (f"{LAYOUT.tables}/runs.csv:-1", "has no row -1"),
        (f"{LAYOUT.tables}/runs.csv:first", "has no row first"),
        (f"{LAYOUT.tables}/marginal.csv:1", "has no row 1; .* the table is empty"),
        (f"{LAYOUT.tables}/settings.csv:1", "does not name its runs; make it again"),
        (f"{LAYOUT.tables}/nothing.csv:1", "nothing.csv: no such file"),
        (f"{LAYOUT.runs}/vae/latent_dim=3", "no such file"),
        (f"{LAYOUT.figures}/old.png", "no figure of the pipeline"),
        (str(LAYOUT.plan), "no run is known to be behind it; name a table"),
        (str(LAYOUT.results), "no run is known to be behind it"),
        ("results", "is not below results"),
        ("results/../secret", "is not below results"),
        ("/etc/passwd", "is not below results"),
        ("vae/latent_dim=2/seed=9", "neither a run nor a file"),
        ("*", "neither a run nor a file"),
        ("", "neither a run nor a file"),
    ],
)
def test_what_leads_nowhere_ends_in_one_message(what, words):
    with pytest.raises(UserError, match=words):
        origin(what)


def test_a_run_of_two_data_sets_is_asked_back():
    Layout("mnist").run(FIRST).folder.mkdir(parents=True)
    with pytest.raises(UserError, match=r"results/digits/.* and results/mnist/.*; name one"):
        origin(FIRST)


@pytest.mark.parametrize(
    ("lost", "what", "words"),
    [
        (LAYOUT.tables / "runs.csv", LAYOUT.report, "runs.csv: no such file; make it"),
        (LAYOUT.seen("samples"), LAYOUT.figures / "samples.png", "no figure of the pipeline"),
    ],
)
def test_what_a_figure_or_the_report_stands_on_may_be_gone(lost, what, words):
    lost.unlink()
    with pytest.raises(UserError, match=words):
        origin(str(what))


def test_a_run_that_is_half_written_has_no_result():
    LAYOUT.run(SECOND).outcome.unlink()
    assert "no result" in said(SECOND)


def test_a_single_run_is_told_in_full():
    page = said(f"{LAYOUT.tables}/runs.csv:1")
    for words in (
        "runs.csv, row 1 (entry vae, status finished): one run",
        "model vae, seed 0, latent_dim 2",
        COMMIT,
        "d" * 64,
        "torch 2.13.0",
        "cpu of here",
        "2026-01-02 03:04 UTC, 1 min 30 s",
        f"{LAYOUT.logs}/train/{FIRST}.log",
        f"git switch --detach {COMMIT}",
        hashlib.sha256(FIRST.encode()).hexdigest(),  # of what stands for the weights
    ):
        assert words in page, words


def test_several_runs_tell_once_what_they_share_and_a_line_each():
    page = said(f"{LAYOUT.tables}/runs.csv")
    assert page.count(COMMIT) == 2  # once as a fact, once in the command
    assert "3 min 0 s in all" in page
    lines = page.splitlines()
    (first,) = [line for line in lines if line.strip().startswith(FIRST)]
    assert "finished, 2 epochs" in first and "2026-01-02 03:04 UTC" in first
    (failed,) = [line for line in lines if line.strip().startswith(FAILED)]
    assert "no result" in failed


def test_what_runs_do_not_share_stands_in_their_lines():
    write_run("vae/latent_dim=2/seed=2", "ba9876543210-dirty")
    page = said(f"{LAYOUT.runs}/vae")
    assert "git switch" not in page
    lines = [line for line in page.splitlines() if "/seed=" in line]
    assert [COMMIT in line for line in lines] == [True, True, False]
    assert "ba9876543210" in lines[2]
    alone = said("vae/latent_dim=2/seed=2").split()
    assert alone[alone.index("--detach") + 1] == "ba9876543210"
    assert "# and changes that were not committed" in " ".join(alone)


def test_changes_that_were_not_committed_need_not_be_those_of_now(monkeypatch):
    monkeypatch.setattr(why, "code_version", lambda _: f"{COMMIT}-dirty")
    write_run("vae/latent_dim=2/seed=2", f"{COMMIT}-dirty")
    page = said("vae/latent_dim=2/seed=2")
    assert "git switch" not in page
    assert "# and changes that were not committed" in page


def test_what_runs_do_not_share_is_told_in_full():
    write_run("vae/latent_dim=2/seed=2", f"{COMMIT}-dirty", "NVIDIA H200 NVL")
    write_run("vae/latent_dim=2/seed=3", COMMIT, "NVIDIA H200")
    lines = [line for line in said(f"{LAYOUT.runs}/vae").splitlines() if "/seed=" in line]
    assert [f"{COMMIT}-dirty" in line for line in lines] == [False, False, True, False]
    assert "NVIDIA H200 NVL of here" in lines[2]
    assert "NVIDIA H200 of here" in lines[3]


def test_a_row_without_runs_says_why():
    assert "no run\nno run of this setting" in said(f"{LAYOUT.tables}/verdicts.csv:1")
    assert "experiments/two_points.safetensors" in said(f"{LAYOUT.figures}/two_points.png")


# On real results.


@pytest.fixture(scope="module", name="built")
def _built(tmp_path_factory):
    return built(tmp_path_factory)


@pytest.fixture(scope="module")
def judged(built, tmp_path_factory):
    """The built project with a study on its runs, and its verdicts."""
    project = copy_built(built, tmp_path_factory.mktemp("judged") / "project")
    study = tiny_study(project)
    with contextlib.chdir(project):
        verdicts.main(LAYOUT.dataset, 100, [str(study)])
    return project


@pytest.mark.slow
def test_every_row_of_every_table_names_its_runs(judged, monkeypatch):
    monkeypatch.chdir(judged)
    planned = set(origin(f"{LAYOUT.tables}/runs.csv").runs)
    for name in (*TABLES, *VERDICTS):
        try:
            rows = len(pd.read_csv(LAYOUT.tables / name))
        except pd.errors.EmptyDataError:
            continue
        for row in range(1, rows + 1):
            found = origin(f"{LAYOUT.tables}/{name}:{row}")
            assert set(found.runs) <= planned
            assert found.runs or found.note or name in VERDICTS
    finished = pd.read_csv(LAYOUT.tables / "runs.csv").query("status == 'finished'")
    mean = pd.read_csv(LAYOUT.tables / "marginal.csv").iloc[0]
    of_mean = finished[finished["run"].isin(origin(f"{LAYOUT.tables}/marginal.csv:1").runs)]
    assert mean["compared_by"] == "min_train_loss"
    assert of_mean["min_train_loss"].mean() == pytest.approx(mean["mean"])
    answered = pd.read_csv(LAYOUT.tables / "claims.csv").query("n > 0")
    assert len(answered) == 1
    assert answered["runs"].notna().all()
    assert len(pd.read_csv(LAYOUT.tables / "verdicts.csv").dropna(subset=["runs"])) == 2


@pytest.mark.slow
def test_the_command_makes_just_that_run_again(built, tmp_path):
    project = copy_built(built, tmp_path / "project")
    what = f"{LAYOUT.tables}/best.csv:1"
    page = run(project, "latentgrid", "why", what).stdout
    (line,) = [line for line in page.splitlines() if "snakemake" in line]
    command = shlex.split(line[line.index("snakemake") :])
    listed = run(project, *command, "-n").stdout
    trained = {tuple(line.split()) for line in listed.splitlines() if line.startswith("train ")}
    assert trained == {("train", "1")}


class Section(HTMLParser):
    """The links to settings of runs, by the heading that they stand below."""

    def __init__(self, page):
        super().__init__()
        self.place, self.links = "", {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag in {"h2", "h3"} and "id" in found:
            self.place = found["id"]
        if found.get("data-beside", "").endswith("/config.json"):
            self.links.setdefault(self.place, set()).add(unquote(found["data-beside"]))


@pytest.mark.slow
def test_two_clicks_lead_from_the_report_to_what_a_run_was_made_with(judged, monkeypatch):
    """One opens the list of the runs, if there are several, the other a run's config.json."""
    from latentgrid.report.page import gather_content, templates

    monkeypatch.chdir(judged)
    study = reading.load("tiny-2024")
    shown = gather_content(LAYOUT, [study], TINY["figures"], 1)
    page = Section(templates().get_template("report.html.j2").render(shown))
    for place in ("claims", "numbers", "best", "runs"):
        assert page.links[place], place
        for link in page.links[place]:
            assert (LAYOUT.results / link).is_file(), link


SPOILT = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "a list": lambda path: path.write_bytes(b"[]"),
    "without keys": lambda path: path.write_bytes(b"{}"),
    "no text": lambda path: path.write_bytes(path.read_bytes() + b"\xff"),
}
READ = {
    "config": LAYOUT.run(FIRST).config,
    "timing": LAYOUT.run(FIRST).timing,
    "outcome": LAYOUT.run(FIRST).outcome,
    "weights": LAYOUT.run(FIRST).weights,
    "runs": LAYOUT.tables / "runs.csv",
    "seen": LAYOUT.seen("samples"),
}


@pytest.mark.parametrize("change", SPOILT)
@pytest.mark.parametrize("file", READ)
@pytest.mark.parametrize("what", [f"{LAYOUT.tables}/runs.csv", f"{LAYOUT.figures}/samples.png"])
def test_a_spoilt_file_is_named_or_not_needed(what, file, change):
    SPOILT[change](READ[file])
    needed = file != "seen" or what.endswith("png")
    may_be_absent = (file, change) == ("outcome", "gone")
    without_rows = file == "runs" and change in {"empty", "a list", "without keys"}
    if not needed or may_be_absent or (without_rows and what.endswith("csv")):
        said(what)
    else:
        with pytest.raises(UserError) as refused:
            said(what)
        assert str(READ[file]) in str(refused.value) or file == "seen"


def test_a_name_that_leads_out_of_the_results_is_refused():
    (LAYOUT.tables / "runs.csv").write_text("run,loss\n../../../../etc/passwd,1\n")
    with pytest.raises(UserError, match=r"runs\.csv: is damaged .*is no run's name"):
        origin(f"{LAYOUT.tables}/runs.csv")
