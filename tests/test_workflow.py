"""The real Snakefile, from params.yaml to the report, on a tiny grid and on a little of MNIST."""

import base64
import copy
import ctypes
import fcntl
import io
import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from latentgrid.files.atomic import sha256
from latentgrid.files.layout import Layout
from latentgrid.stamps.made import stamp_of
from latentgrid.studies import reading
from project import (
    TINY,
    call,
    contents,
    copy_project,
    environment,
    has_nothing_to_do,
    heed_interrupts,
    pending,
    run,
    to_train,
    without_links,
    write_params,
)
from studies import copy_study

pytestmark = pytest.mark.slow

LAYOUT = Layout("digits")
DIVERGED = "vae/latent_dim=2,optimizer=adam,learning_rate=10.0/seed=0"
VAE = "vae/latent_dim=2,optimizer=adam,learning_rate={}/seed=0"
MMD_VAE = "mmd_vae/latent_dim=3,optimizer=adam,learning_rate={}/seed=0"
RUNS = {VAE.format(0.001), VAE.format(0.002), DIVERGED, MMD_VAE.format(0.001)}
MEGABYTE = 1_000_000


def changed(**values):
    """Return the tiny grid with other values; `models__vae__epochs` is a key of a model."""
    params = copy.deepcopy(TINY)
    for place, value in values.items():
        *sections, key = place.split("__")
        section = params
        for name in sections:
            section = section[name]
        section[key] = value
    return params


def runs_table(project, dataset="digits"):
    return pd.read_csv(project / Layout(dataset).tables / "runs.csv").set_index("run")


def runs_contents(project):
    return contents(project / LAYOUT.runs)


# What one call makes.


class Loads(HTMLParser):
    """What a page refers to: everything it would fetch, and where its links lead."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.links, self.beside, self.tags = [], [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in {"src", "srcset", "poster", "data", "action"} or (tag, name) == (
                "link",
                "href",
            ):
                self.fetched.append(value)
            elif name in {"href", "xlink:href"}:
                self.links.append(value)
            elif name in {"data-beside", "data-probe"}:
                self.beside.append(value)


def test_report_is_one_file_that_opens_offline(built):
    report = built / LAYOUT.report
    page = report.read_text(encoding="utf-8")
    loads = Loads(page)
    assert report.stat().st_size < 15 * MEGABYTE
    head = "data:image/webp;base64,"
    assert loads.fetched and all(source.startswith(head) for source in loads.fetched)
    assert not loads.tags & {"iframe", "object", "embed", "base", "link"}
    for style in re.findall("<style>(.*?)</style>", page, re.S):
        assert "@import" not in style and "url(" not in style
    shown = [base64.b64decode(source.removeprefix(head)) for source in loads.fetched]
    pixels = {Image.open(io.BytesIO(picture)).convert("RGB").tobytes() for picture in shown}
    missing = "<i>Learning curves</i> is not shown: No run of more than one epoch"
    assert missing in without_links(report)
    for figure in set(TINY["figures"]) - {"learning_curves"}:
        picture = Image.open(built / LAYOUT.figures / f"{figure}.png").convert("RGB")
        assert picture.tobytes() in pixels, figure
        assert (built / LAYOUT.figures / f"{figure}.pdf").read_bytes().startswith(b"%PDF")
    inside = ("#", "data:text/csv;")
    outside = {link for link in loads.links if not link.startswith(inside)}
    assert outside <= {str(study.facts.link) for study in reading.chosen("all")}
    assert loads.beside
    for path in loads.beside:
        assert (report.parent / unquote(path)).is_file(), path


def test_table_of_runs_has_a_row_per_planned_run(built):
    table = runs_table(built)
    assert set(table.index) == RUNS
    finished = table.drop(DIVERGED)
    assert (finished["status"] == "finished").all()
    losses = ["train_loss", "test_loss", "min_train_loss", "min_train_batch_sum"]
    assert np.isfinite(finished[losses].to_numpy()).all()
    assert finished["silhouette"].between(-1, 1).all()
    assert (finished["epochs"] == 1).all()
    bounded = table[table["elbo"].notna()]
    assert set(bounded.index) == {VAE.format(0.001), VAE.format(0.002)}
    assert (bounded["elbo"] <= bounded["importance_bound"]).all()
    page = without_links(built / LAYOUT.report)
    assert "from 10 draws of the posterior for each of 5 images" in page


def test_measures_are_controlled_and_what_is_wrong_is_flagged(built):
    controls = pd.read_csv(built / LAYOUT.controls)
    assert (controls["inside"] == "yes").all()
    flags = pd.read_csv(built / LAYOUT.quality).set_index("flag")
    assert flags.loc["cut short", "where"] == DIVERGED
    assert flags.loc["too much missing", "where"] == "runs.csv"
    page = (built / LAYOUT.report).read_text(encoding="utf-8")
    assert f"All {len(controls)} controls lie inside their ranges." in page
    assert "1 of 4 runs have none (25 %)" in page


def test_a_measure_that_was_broken_is_flagged(project):
    source = project / "src/latentgrid/evaluation/measures/silhouette.py"
    code = source.read_text()
    wrong = "values: Array = 1 - silhouette_samples(codes, labels)"
    assert "values: Array = silhouette_samples(codes, labels)" in code
    source.write_text(code.replace("values: Array = silhouette_samples(codes, labels)", wrong))
    done = run(project, "snakemake", "--cores", "1", str(LAYOUT.controls))
    controls = pd.read_csv(project / LAYOUT.controls)
    assert set(controls.loc[controls["inside"] == "no", "measure"]) == {"silhouette"}
    assert "inside, but not silhouette" in done.stdout + done.stderr


def test_diverged_run_is_a_result_beside_the_others(built):
    row = runs_table(built).loc[DIVERGED]
    assert row["status"] == "diverged"
    assert "epoch 1" in row["reason"]
    assert math.isnan(row["train_loss"])
    page = (built / LAYOUT.report).read_text(encoding="utf-8")
    assert f"<code>{DIVERGED}</code>: diverged" in page
    assert "1 of 4 runs" in page
    best = pd.read_csv(built / LAYOUT.tables / "best.csv")
    assert 10.0 not in set(best["learning_rate"])


def test_the_terminal_names_the_run_that_diverged(built):
    said = built.with_name("built.done").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in said if line.startswith("diverged: "))
    assert line.startswith(f"diverged: {DIVERGED}: ")
    assert "in epoch 1; try a smaller learning_rate" in line


def test_every_run_says_what_it_was_made_with(built):
    description = json.loads((built / LAYOUT.description).read_text())
    for name in RUNS:
        config = json.loads((built / LAYOUT.run(name).config).read_text())
        assert config["data sha256"] == description["sha256"]
        assert config["device"] == "cpu"
        assert {"python", "torch"} <= set(config["libraries"])
    assert not any((built / LAYOUT.state).iterdir())


# What the next call does.


def test_second_call_has_nothing_to_do(project):
    before = contents(project / LAYOUT.results)
    dates = {path: path.stat().st_mtime_ns for path in (project / LAYOUT.runs).rglob("*")}
    assert has_nothing_to_do(project, "--cores", "2")
    assert has_nothing_to_do(project, "-n")
    assert contents(project / LAYOUT.results) == before
    assert {path: path.stat().st_mtime_ns for path in (project / LAYOUT.runs).rglob("*")} == dates


def test_newer_dates_alone_make_nothing_again(project):
    for folder in ("src", "workflow", "studies", "profiles", "data"):
        for path in (project / folder).rglob("*"):
            path.touch()
    (project / "Snakefile").touch()
    assert has_nothing_to_do(project, "--cores", "2")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"models__vae__learning_rate": [0.001, 0.003, 10.0]}, {VAE.format(0.003)}),
        ({"models__vae__learning_rate": [10.0, 0.003, 0.002, 0.001]}, {VAE.format(0.003)}),
        ({"seeds": [0, 1]}, {name.replace("seed=0", "seed=1") for name in RUNS}),
        (
            {"models__conv_vae": TINY["models"]["mmd_vae"]},
            {MMD_VAE.format(0.001).replace("mmd_vae", "conv_vae")},
        ),
        ({"training__batch_size": 100}, RUNS),
        ({"training__precision": "bfloat16"}, RUNS),
        ({"training__cuda_graphs": False, "training__jobs_per_gpu": 2}, set()),
        ({"evaluation__test_images": 90, "evaluation__likelihood": None}, set()),
        ({"mirror": "elsewhere", "training__device": "auto"}, set()),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_edit_of_params_trains_only_the_runs_that_it_affects(project, change, expected):
    write_params(project, changed(**change))
    assert to_train(pending(project)) == expected


def test_edit_of_two_things_is_seen_as_a_whole(project):
    write_params(
        project,
        changed(models__vae__learning_rate=[0.001, 0.003, 10.0], evaluation__test_images=90),
    )
    files = pending(project)
    assert to_train(files) == {VAE.format(0.003)}
    assert str(LAYOUT.run(MMD_VAE.format(0.001)).metrics) in files


def test_config_on_the_command_line_goes_over_params(project):
    overrides = ("--config", "training={epochs: 2}")
    assert to_train(pending(project, *overrides)) == RUNS
    (project / "params.yaml").rename(project / "other.yaml")
    assert pending(project, "--configfile", "other.yaml") == {}
    assert to_train(pending(project, "--configfile", "other.yaml", *overrides)) == RUNS


def append_code(path):
    path.write_text(path.read_text() + "EDITED = True\n")


def test_edited_model_retrains_its_own_runs(project):
    append_code(project / "src/latentgrid/models/vae.py")
    assert to_train(pending(project)) == RUNS - {MMD_VAE.format(0.001)}


def test_edited_figure_is_drawn_again_and_nothing_trained(project):
    append_code(project / "src/latentgrid/figures/comparisons/manifold.py")
    assert set(pending(project).values()) == {"figure", "report"}
    before, drawn = runs_contents(project), (project / LAYOUT.figures / "manifold.png").stat()
    run(project, "snakemake", "--cores", "2")
    assert runs_contents(project) == before
    assert (project / LAYOUT.figures / "manifold.png").stat().st_mtime_ns > drawn.st_mtime_ns
    assert has_nothing_to_do(project, "-n")


def change_stamp(path, **changes):
    stamp = stamp_of(path)
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | changes))


def test_when_a_run_is_taken_back_what_was_made_of_the_other_is_made_again(project):
    files = LAYOUT.run(VAE.format(0.001))
    tables = [*LAYOUT.table_files, LAYOUT.summary, LAYOUT.inventory]
    outcome = project / files.outcome
    shutil.copytree(outcome.parent, project / LAYOUT.aside / "runs" / VAE.format(0.001))
    outcome.write_text(outcome.read_text() + "\n")  # as by the code of an edit
    change_stamp(outcome, sha256=sha256(outcome), code="of an edit")
    for path in (*tables, files.likelihood, files.metrics, files.overview):
        inputs = json.loads(stamp_of(project / path).read_text())["inputs"]
        change_stamp(project / path, inputs=inputs | {str(files.outcome): sha256(outcome)})
    found = pending(project)
    assert {found.get(str(path)) for path in tables} == {"tables"}
    assert not {"train", "evaluate", "likelihood"} & set(found.values())


def runs_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*/seed=*")}


def test_a_run_that_is_trained_again_leaves_its_place_and_others_their_checkpoints(project):
    append_code(project / "src/latentgrid/models/vae.py")
    trained, done = VAE.format(0.002), MMD_VAE.format(0.001)
    state, aside = project / LAYOUT.state, project / LAYOUT.aside / "state"
    taken_back = aside / LAYOUT.run(trained).state.name
    of_longer_training = state / LAYOUT.run(done).state.name
    taken_back.mkdir(parents=True)
    of_longer_training.mkdir(parents=True)
    run(project, "snakemake", "--cores", "1", str(LAYOUT.run(trained).outcome))
    assert runs_below(project / LAYOUT.aside / "runs") == {trained}
    assert runs_below(project / LAYOUT.runs) == RUNS
    assert [folder.name for folder in aside.iterdir()] == [of_longer_training.name]
    assert not any(state.iterdir())


def test_what_was_deleted_is_made_again_although_the_report_is_there(project):
    lost = [LAYOUT.figures / "samples.png", LAYOUT.tables / "verdicts.csv"]
    for path in lost:
        (project / path).unlink()
    found = pending(project)
    assert {found[str(path)] for path in lost} == {"figure", "verdicts"}
    assert not to_train(found)


def test_an_animation_waits_for_what_its_figure_reads(project):
    figure = project / "src/latentgrid/figures/comparisons/evolution.py"
    figure.write_text(figure.read_text() + 'READS = ("experiments/gan_toy",)\n')
    write_params(project, changed(figures=["evolution"]))
    moving = LAYOUT.animation("evolution")
    assert pending(project, str(moving)) == {
        str(moving): "animation",
        str(LAYOUT.tensors("experiments/gan_toy")): "experiment",
    }


def test_an_animation_that_was_deleted_is_made_again(project):
    write_params(project, changed(figures=["evolution"]))
    run(project, "snakemake", "--cores", "2")
    moving = LAYOUT.animation("evolution")
    (project / moving).unlink()
    assert pending(project)[str(moving)] == "animation"


def test_any_deleted_result_of_a_run_is_made_again(project):
    files = LAYOUT.run(VAE.format(0.001))
    for path, rule in (
        (files.likelihood, "likelihood"),
        (files.metrics, "evaluate"),
        (files.overview, "evaluate"),
    ):
        content = (project / path).read_bytes()
        (project / path).unlink()
        assert pending(project)[str(path)] == rule
        (project / path).write_bytes(content)


def test_a_figure_without_its_caption_is_named(project):
    figure = project / "src/latentgrid/figures/comparisons/samples.py"
    figure.write_text(figure.read_text().replace("CAPTION =", "SUBTITLE ="))
    done = call(project, "snakemake", "-n")
    assert done.returncode != 0
    assert "error: src/latentgrid/figures/comparisons/samples.py: needs a CAPTION" in done.stderr
    assert "Traceback" not in done.stderr


def test_prune_is_refused_while_a_workflow_runs(project):
    """While a workflow runs, its files are not deleted under it."""
    before = runs_contents(project)
    write_params(project, changed(models__vae__learning_rate=[0.001, 10.0]))
    with (project / LAYOUT.lock).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = call(project, "latentgrid", "prune")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: results/digits is being made by a snakemake")
    assert runs_contents(project) == before


def test_prune_removes_just_the_runs_that_left_the_grid(project):
    write_params(project, changed(models__vae__learning_rate=[0.001, 10.0], seeds=[0, 1]))
    before = runs_contents(project)
    gone = LAYOUT.run(VAE.format(0.002)).folder
    aside = LAYOUT.aside / "runs" / VAE.format(0.002)
    assert f"{gone} → {aside}\n" in run(project, "latentgrid", "prune").stdout
    kept = {name: data for name, data in before.items() if not name.startswith(VAE.format(0.002))}
    assert len(kept) < len(before)
    assert runs_contents(project) == kept
    assert not (project / LAYOUT.run(VAE.format(0.002)).folder.parent).exists()


def test_prune_removes_figures_that_are_drawn_no_longer(project):
    write_params(project, changed(figures=["samples"]))
    figures = project / LAYOUT.figures
    before = {path.name for path in figures.iterdir()}
    said = run(project, "latentgrid", "prune").stdout
    after = {path.name for path in figures.iterdir()}
    assert after == {name for name in before if "samples" in name}
    assert f"removed {LAYOUT.picture('manifold')}\n" in said
    assert f"removed {LAYOUT.picture('samples')}" not in said


def test_provenance_report(project):
    run(project, "snakemake", "--report", "provenance.html")
    page = (project / "provenance.html").read_text(encoding="utf-8")
    assert "Figures" in page
    for figure in TINY["figures"]:
        assert f"{figure}.png" in page


def test_pages_to_be_kept_in_git(project):
    for page in ("gallery", "published"):
        shutil.rmtree(project / "docs" / page, ignore_errors=True)
    run(project, "snakemake", "--cores", "1", "gallery", "published")
    for page in ("gallery", "published"):
        assert_page_is_whole(project, page)


def assert_page_is_whole(project, page):
    folder = project / "docs" / page
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"snakemake --cores all {page} --configfile params.yaml" in text
    shown = re.findall(r"\]\((.+?)\.png\)", text)
    seen = {name: json.loads((project / LAYOUT.seen(name)).read_text()) for name in TINY["figures"]}
    drawn = {name for name in seen if not seen[name]["missing"]}
    assert set(shown) == {path.stem for path in folder.glob("*.png")} == drawn
    # Every row of every table has the cells that its head has.
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    tables = {path.name: path.read_bytes() for path in folder.glob("tables/*")}
    made = {path.name: (project / path).read_bytes() for path in LAYOUT.table_files}
    assert page == "gallery" or made.items() <= tables.items()


def test_plan_of_the_default_grid():
    listed = run(Path(__file__).parents[1], "latentgrid", "plan").stdout
    assert "54 runs on mnist," in listed
    for model in ("vae", "conv_vae", "mmd_vae"):
        for seed_folder in (
            "latent_dim=2,optimizer=adadelta,learning_rate=0.0001/seed=0",
            "latent_dim=50,optimizer=rmsprop,learning_rate=0.00075/seed=0",
        ):
            assert f" {model}/{seed_folder} " in listed
    assert listed.count("seed=0") == 54


# What goes wrong.


def start(project, *arguments):
    """Start Snakemake as a shell does, in a process group of its own."""
    return subprocess.Popen(
        ["snakemake", *arguments],
        cwd=project,
        env=environment(project),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - there is one thread
    )


def wait_for(project, workflow, pattern):
    """Wait until there is a file in the results; the workflow must not end before."""
    deadline = time.monotonic() + 120
    while not list((project / LAYOUT.results).glob(pattern)):
        assert workflow.poll() is None, workflow.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_forks_the_bits_are_the_same(built, project):
    files = LAYOUT.run(MMD_VAE.format(0.001))
    shutil.rmtree(project / files.folder)
    target = ["snakemake", "--cores", "1", str(files.metrics)]
    off = environment(project) | {"LATENTGRID_FORKS": "off"}
    done = subprocess.run(target, cwd=project, env=off, capture_output=True, text=True, check=True)
    assert not (project / LAYOUT.fork_server).exists()
    assert "Finished" in done.stdout + done.stderr
    expected, found = contents(built / files.folder), contents(project / files.folder)
    assert found.keys() == expected.keys()
    for name in found.keys() - {files.timing.name}:
        assert found[name] == expected[name], name


def test_killed_workflow_goes_on_with_the_same_bits_on_fewer_cores(built, project):
    shutil.rmtree(project / LAYOUT.results)
    workflow = start(project, "--cores", "2")
    wait_for(project, workflow, "runs/*/*/*/outcome.json")
    os.killpg(workflow.pid, signal.SIGKILL)
    workflow.communicate()
    assert not (project / LAYOUT.report).exists()

    run(project, "snakemake", "--cores", "1")
    assert has_nothing_to_do(project, "-n")
    assert not any((project / LAYOUT.state).iterdir())
    for folder in (LAYOUT.runs, LAYOUT.tables):
        expected, found = contents(built / folder), contents(project / folder)
        assert found.keys() == expected.keys()
        for name in expected:
            if not name.endswith("timing.json"):
                assert found[name] == expected[name], name


def limit_file_size():
    """Let no file grow beyond 3 MB, which the images and the report fit in and weights do not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MEGABYTE, 3 * MEGABYTE))


def test_failed_runs_are_reported_and_trained_by_the_next_call(project):
    grid = changed(
        models__vae__learning_rate=[0.001, 0.003, 0.004],
        models__mmd_vae__learning_rate=[0.001, 0.002],
    )
    write_params(project, grid)
    no_space, no_start = VAE.format(0.003), VAE.format(0.004)
    in_the_way = project / LAYOUT.run(no_start).state
    in_the_way.touch()
    kept = {name: d for name, d in runs_contents(project).items() if VAE.format(0.001) in name}

    done = call(project, "snakemake", "--cores", "2", "--keep-going", preexec_fn=limit_file_size)
    assert done.returncode != 0
    assert "File too large" in done.stderr  # what the job said is shown where it failed
    table = runs_table(project)
    assert len(table) == 5
    assert dict(table["status"].value_counts()) == {"finished": 3, "failed": 2}
    assert "File too large" in table.loc[no_space, "reason"]
    assert table.loc[no_start, "status"] == "failed"
    page = (project / LAYOUT.report).read_text(encoding="utf-8")
    assert f"<code>{no_space}</code>: failed – " in page
    assert "File too large" in page
    assert f"<code>{no_start}</code>: failed – " in page
    assert "3 finished, 2 failed" in page

    in_the_way.unlink()
    before = runs_contents(project)
    assert to_train(pending(project)) == {no_space, no_start}
    run(project, "snakemake", "--cores", "2")
    assert (runs_table(project)["status"] == "finished").all()
    assert "no usable result" not in (project / LAYOUT.report).read_text(encoding="utf-8")
    after = runs_contents(project)
    assert {name: after[name] for name in before} == before
    assert {name: after[name] for name in kept} == kept
    assert has_nothing_to_do(project, "-n")


def test_interrupted_workflow_stops_also_with_keep_going(project):
    write_params(project, changed(training__epochs=1000))
    workflow = start(project, "--cores", "1", "--keep-going")
    wait_for(project, workflow, "state/*/lock")
    second = call(project, "snakemake", "--cores", "1")
    assert second.returncode != 0
    assert "being made by another snakemake" in second.stderr
    os.killpg(workflow.pid, signal.SIGINT)
    said = workflow.communicate(timeout=300)[1]
    assert workflow.returncode != 0
    assert "Making the report" not in said
    # The one that diverges may have ended before the signal came.
    assert RUNS - {VAE.format(10.0)} <= to_train(pending(project))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"epochs": 3}, "epochs"),
        ({"models__vae__learning_rate": [0.001, -1]}, "models.vae.learning_rate[1]"),
        ({"models__vae__latent_dim": []}, "models.vae.latent_dim"),
    ],
)
def test_wrong_params_end_in_one_short_message(tmp_path, change, key):
    project = copy_project(tmp_path / "project")
    write_params(project, changed(**change))
    done = call(project, "snakemake", "--cores", "2")
    assert done.returncode != 0
    message = [line for line in done.stderr.splitlines() if "params.yaml" in line]
    assert len(message) == 1
    assert f"params.yaml: {key}: " in message[0]
    assert "Traceback" not in done.stderr and 'File "' not in done.stderr
    assert len(done.stderr.splitlines()) <= 3
    assert not (project / "results").exists() and not (project / "data").exists()


def no_special_rights():
    """Give up root's right to write where no permission says so; no one else has it anyway."""
    drop_from_bounding_set, override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, override, 0, 0, 0)


def test_read_only_results_end_in_one_clear_message(project):
    write_params(project, changed(seeds=[0, 1]))
    before = contents(project / LAYOUT.results)
    folders = [path for path in (project / "results").rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    done = call(project, "snakemake", "--cores", "2", preexec_fn=no_special_rights)
    for folder in folders:
        folder.chmod(0o755)
    assert done.returncode != 0
    assert "no permission to write" in done.stderr.splitlines()[-1]
    assert str(LAYOUT.results) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert contents(project / LAYOUT.results) == before


# On MNIST.


def test_two_epochs_on_mnist(tmp_path, mnist_mirror):
    project = copy_project(tmp_path / "project")
    grid = changed(dataset="mnist", mirror=str(mnist_mirror))
    grid["training"] |= {"epochs": 2, "batch_size": 100}
    asked = {"latent_dim": 2, "optimizer": "adam_000", "learning_rate": 0.00075}
    grid["models"] = {"vae": asked}
    write_params(project, grid)
    copy_study(project, trained="{epochs: 2, batch_size: 100}")
    run(project, "snakemake", "--cores", "2")

    layout = Layout("mnist")
    name = VAE.format(0.00075).replace("adam", "adam_000")
    history = pd.read_csv(project / layout.run(name).history, index_col="epoch")
    # Three seeds gave 2.856e6 to 2.897e6, then 2.556e6 to 2.609e6: bounds are their mean ± 4 sd.
    # The mean image for every input would cost 3.2e6; after 50 epochs 2.164e6 was published.
    assert 2.79e6 < history.loc[1, "train_batch_sum"] < 2.98e6
    assert 2.48e6 < history.loc[2, "train_batch_sum"] < 2.69e6
    assert history.loc[2, "test_loss"] == pytest.approx(41.2, abs=2.4)  # per image, likewise

    verdicts = pd.read_csv(project / layout.tables / "verdicts.csv")
    assert (verdicts["study"] == "vizoso-2020").sum() == 54
    (row,) = verdicts.dropna(subset=["ours"]).to_dict("records")
    assert (row["verdict"], row["published"], row["runs"]) == ("not reproduced", 2164100, name)
    assert row["ours"] == history["train_batch_sum"].min()
    assert row["ratio"] == pytest.approx(row["ours"] / 2164100, rel=1e-12)
