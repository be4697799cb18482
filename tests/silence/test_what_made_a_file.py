"""What made a file is known by the file: lost records, edits, moves, exchanges and damage."""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest

from latentgrid.files.layout import Layout
from project import (
    ROOT,
    TINY,
    built,
    call,
    copy_built,
    environment,
    heed_interrupts,
    run,
    write_params,
)

pytestmark = pytest.mark.slow
LAYOUT = Layout("digits")
FIRST = "vae/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0"
SECOND = "vae/latent_dim=2,optimizer=adam,learning_rate=0.002/seed=0"
MMD_VAE = "mmd_vae/latent_dim=3,optimizer=adam,learning_rate=0.001/seed=0"
NOTHING = "Nothing to be done"


@pytest.fixture
def project(tmp_path_factory, tmp_path):
    """A copy of the built project, as `cp -r` makes it, without Snakemake's records."""
    project = copy_built(built(tmp_path_factory), tmp_path / "project")
    shutil.rmtree(project / ".snakemake")
    yield project
    shutil.rmtree(project, ignore_errors=True)  # MLflow's follower may still write


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def planned(project):
    """Return what a dry run says of the runs that would be trained, and all it says.

    What we say would be trained is what Snakemake would train.
    """
    done = run(project, "snakemake", "-n")
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if line.startswith("to train: ")]
    reasons = dict(line.removeprefix("to train: ").split(": ", 1) for line in lines)
    jobs = [line.split() for line in said.splitlines() if line.startswith("train ")]
    assert len(reasons) == (int(jobs[0][1]) if jobs else 0), said
    return reasons, said


def test_without_records_and_with_all_dates_mixed_up_nothing_is_made_again(project):
    files = [path for path in project.rglob("*") if path.is_file()]
    for number, path in enumerate(sorted(files, key=lambda path: hash(path.name))):
        os.utime(path, (1e9 + number, 1e9 + number))
    runs, said = planned(project)
    assert (runs, NOTHING in said) == ({}, True)


def test_without_records_an_edit_of_the_epochs_is_seen_and_named(project):
    params = copy.deepcopy(TINY)
    params["training"]["epochs"] = 2
    write_params(project, params)
    runs, said = planned(project)
    assert set(runs) == {FIRST, SECOND, SECOND.replace("0.002", "10.0"), MMD_VAE}
    assert all("epochs 1 → 2" in reason for reason in runs.values()), said
    # A touch makes the dates new and not the results.
    run(project, "snakemake", "--touch", "--cores", "1", str(LAYOUT.run(FIRST).outcome))
    assert set(planned(project)[0]) == set(runs)


def test_without_records_an_edit_of_a_model_is_seen_and_named(project):
    model = project / "src/latentgrid/models/mmd_vae.py"
    edit(model, "class MMDVAE", "CONSTANT = 1\n\n\nclass MMDVAE")
    runs, _ = planned(project)
    assert runs == {MMD_VAE: "code of latentgrid.models.mmd_vae"}


def test_words_format_and_place_of_code_make_nothing_again(project):
    source = project / "src/latentgrid"
    with (source / "errors.py").open("a") as file:
        file.write("# a comment\n\n\n")
    edit(
        source / "models/vae.py", '"""A dense variational autoencoder,', '"""Dense and variational,'
    )
    edit(source / "models/vae.py", "HIDDEN = 512", "HIDDEN = (512)")
    # A module moves to another room, with the same content.
    moved = source / "stepping"
    moved.mkdir()
    (moved / "__init__.py").touch()
    (source / "training/capture.py").rename(moved / "capture.py")
    for file in source.rglob("*.py"):
        text = file.read_text()
        file.write_text(text.replace("latentgrid.training.capture", "latentgrid.stepping.capture"))
    runs, said = planned(project)
    # The docstring stands on the model's page.
    assert (runs, "to make again: 1 result (" in said) == ({}, True), said
    assert re.search(r"model_page +1\nall +1\ntotal +2\n", said), said


def test_results_that_were_changed_by_hand_are_made_again(project):
    metrics = project / LAYOUT.run(FIRST).metrics
    table = project / LAYOUT.tables / "runs.csv"
    before = metrics.read_bytes(), table.read_bytes()
    metrics.write_text(json.dumps(json.loads(metrics.read_text()) | {"silhouette": 0.99}))
    frame = pd.read_csv(table)
    frame.loc[0, "min_train_loss"] = 9.9
    frame.to_csv(table, index=False)
    done = run(project, "snakemake", "--cores", "2", str(LAYOUT.tables / "runs.csv"))
    assert "to make again: 2 results (it is not as it was written)" in done.stderr
    assert (metrics.read_bytes(), table.read_bytes()) == before


def step(project, *arguments):
    """Run a step by hand, as the workflow would run it."""
    done = call(project, "python", "-m", *arguments)
    assert "Traceback" not in done.stderr
    return done


def test_weights_and_codes_of_another_run_of_the_same_shape_are_refused(project):
    first, second = (LAYOUT.run(name) for name in (FIRST, SECOND))
    for name in ("weights", "snapshots"):
        one, other = project / getattr(first, name), project / getattr(second, name)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    evaluate = ("latentgrid.steps.evaluate", "--dataset", "digits", "--test-images", "100")
    done = step(project, *evaluate, "--run", FIRST)
    assert done.returncode == 1
    assert (
        f"{first.snapshots}: is damaged (it is not what this run's training wrote)" in done.stderr
    )
    bounds = (
        "latentgrid.steps.likelihood",
        "--images",
        "5",
        "--draws",
        "2",
        "--device",
        "cpu",
    )
    done = step(project, *bounds, "--dataset", "digits", "--run", FIRST)
    assert done.returncode == 1
    assert f"{first.weights}: is damaged" in done.stderr
    done = call(project, "latentgrid", "why", FIRST)
    assert (done.returncode, f"{first.snapshots}: is damaged" in done.stderr) == (1, True)
    done = call(project, "latentgrid", "doctor")
    assert done.returncode == 1
    assert done.stdout.count("it is not what this run's training wrote") == 2


@pytest.mark.parametrize("change", ["a cell", "an epoch less", "gone"])
def test_a_history_that_was_changed_is_refused(project, change):
    history = LAYOUT.run(FIRST).history
    path = project / history
    if change == "gone":
        path.unlink()
    elif change == "a cell":
        rows = pd.read_csv(path)
        rows.loc[0, "train_loss"] = 9.9
        rows.to_csv(path, index=False)
    else:
        path.write_text(path.read_text().splitlines(keepends=True)[0])
    done = step(project, "latentgrid.steps.tables", "--dataset", "digits")
    assert done.returncode == 1
    assert f"error: {history}: is damaged" in done.stderr


OUTCOME_FAULTS = {
    "no digests": lambda outcome: outcome.pop("sha256"),
    "digests that are none": lambda outcome: outcome.update(sha256=None),
    "no epochs": lambda outcome: outcome.update(epochs=None),
    "another status": lambda outcome: outcome.update(status="finished "),
}


@pytest.mark.parametrize("fault", OUTCOME_FAULTS)
def test_an_outcome_that_was_changed_is_refused(project, fault):
    outcome = LAYOUT.run(FIRST).outcome
    content = json.loads((project / outcome).read_text())
    OUTCOME_FAULTS[fault](content)
    (project / outcome).write_text(json.dumps(content))
    for command in (
        ("python", "-m", "latentgrid.steps.tables", "--dataset", "digits"),
        ("latentgrid", "why", FIRST),
    ):
        done = call(project, *command)
        assert done.returncode == 1
        assert f"error: {outcome}: is damaged" in done.stderr
        assert "Traceback" not in done.stderr


TIMING_FAULTS = {
    "null for a number": {"seconds per epoch": [None]},
    "a word for a list": {"seconds per epoch": "soon"},
    "no date": {"started": "yesterday"},
    "no dates at all": {"started": None, "ended": None},
}


@pytest.mark.parametrize("fault", TIMING_FAULTS)
def test_a_timing_that_makes_no_sense_is_named(project, fault):
    timing = LAYOUT.run(FIRST).timing
    content = json.loads((project / timing).read_text()) | TIMING_FAULTS[fault]
    (project / timing).write_text(json.dumps(content))
    done = call(project, "latentgrid", "why", FIRST)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"error: {timing}: is damaged" in done.stderr


def test_a_job_refuses_code_that_changed_after_the_plan(project):
    # An order lies there from the call that built the project; its job is called by hand.
    orders = {"LATENTGRID_ORDERS": str(LAYOUT.orders)}
    job = (
        "python",
        "-m",
        "latentgrid.jobs.client",
        "--as",
        f"train:{MMD_VAE}",
        "latentgrid.steps.train",
    )
    options = ("--dataset", "digits", "--run", MMD_VAE, "--device", "cpu")
    model = project / "src/latentgrid/models/mmd_vae.py"
    outcome = project / LAYOUT.run(MMD_VAE).outcome
    edit(model, "2 * kernel", "3 * kernel")
    outcome.unlink()
    done = subprocess.run(
        [*job, *options],
        cwd=project,
        env=environment(project) | orders,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the code changed while the workflow ran (latentgrid.models.mmd_vae)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not outcome.exists()
    edit(model, "3 * kernel", "2 * kernel")
    subprocess.run([*job, *options], cwd=project, env=environment(project) | orders, check=True)
    assert outcome.exists()
    assert planned(project)[0] == {}


def test_a_job_refuses_a_measure_that_was_added_after_the_plan(project):
    measures = project / "src/latentgrid/evaluation/measures"
    (measures / "two.py").write_text(
        '"""Two."""\n\n\ndef measure(run, test):\n    return {"two": 2.0}\n'
    )
    metrics = project / LAYOUT.run(MMD_VAE).metrics
    before = metrics.with_name(".metrics.json.made").read_bytes()
    job = ("latentgrid.jobs.client", "--as", f"evaluate:{MMD_VAE}", "latentgrid.steps.evaluate")
    done = subprocess.run(
        ["python", "-m", *job, "--dataset", "digits", "--run", MMD_VAE, "--test-images", "100"],
        cwd=project,
        env=environment(project) | {"LATENTGRID_ORDERS": str(LAYOUT.orders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    added = "latentgrid.evaluation.measures.two"
    assert f"the code changed while the workflow ran ({added})" in done.stderr
    assert metrics.with_name(".metrics.json.made").read_bytes() == before


@pytest.mark.parametrize("command", [("snakemake", "-n"), ("latentgrid", "plan")])
def test_code_of_another_folder_is_refused(project, command):
    elsewhere = environment(project) | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, cwd=project, env=elsewhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    loaded = ROOT / "src" / "latentgrid"
    assert f"error: the code is loaded from {loaded} and not from" in done.stderr
    assert "Traceback" not in done.stderr


def test_images_that_are_lost_are_fetched_and_nothing_is_trained_again(project):
    (project / LAYOUT.images).unlink()
    params = copy.deepcopy(TINY)
    params["models"]["vae"]["learning_rate"] = [0.001, 0.002, 10.0, 0.003]
    write_params(project, params)
    runs, said = planned(project)
    assert set(runs) == {FIRST.replace("0.001", "0.003")}
    assert re.search(r"^data +1$", said, re.MULTILINE)


def test_a_reader_that_goes_away_costs_no_training(project):
    """`snakemake | less`, and q: what ended by then is done."""
    shutil.rmtree(project / LAYOUT.run(FIRST).folder)
    shutil.rmtree(project / LAYOUT.run(MMD_VAE).folder)
    with subprocess.Popen(
        ["snakemake", "--cores", "1"],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as workflow:
        outcomes = [project / LAYOUT.run(name).outcome for name in (FIRST, MMD_VAE)]
        wait_until(lambda: any(outcome.exists() for outcome in outcomes))
        workflow.stdout.close()
        workflow.wait(timeout=120)
    done = [name for name in (FIRST, MMD_VAE) if (project / LAYOUT.run(name).outcome).exists()]
    assert done
    assert not set(done) & set(planned(project)[0])


def wait_until(condition):
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_snakemake_alone_ends_trainings_with_their_epochs_written_down(project, number):
    params = copy.deepcopy(TINY)
    params["training"]["epochs"] = 100_000
    params["models"] = {"vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.004}}
    params["figures"] = []
    write_params(project, params)
    files = LAYOUT.run("vae/latent_dim=2,optimizer=adam,learning_rate=0.004/seed=0")
    with subprocess.Popen(
        ["snakemake", "--cores", "1"],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - no thread runs here
    ) as workflow:
        wait_until((project / files.live_history).exists)
        before = time.monotonic()
        workflow.send_signal(number)
        said, _ = workflow.communicate(timeout=120)
        seconds = time.monotonic() - before
    assert workflow.returncode != 0
    assert "stopped; the same command goes on" in said
    assert seconds < 30
    rows = pd.read_csv(project / files.live_history)
    kept = [path.name.split("-")[1] for path in (project / files.checkpoints).glob("checkpoint-*")]
    assert max(map(int, kept)) == rows["epoch"].max()
    assert json.loads((project / files.failure).read_text())["reason"].startswith("stopped")


def test_a_snapshot_list_longer_than_a_command_line_is_no_part_of_one(project):
    params = copy.deepcopy(TINY)
    params["training"]["epochs"] = 10_000
    params["snapshots"]["epochs"] = list(range(10_000))
    params["models"] = {"vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}}
    params["figures"] = []
    write_params(project, params)
    done = run(project, "snakemake", "-n", "--printshellcmds", "--quiet", "host")
    commands = [line for line in done.stdout.splitlines() if "latentgrid.steps.train" in line]
    assert len(commands) == 1
    assert len(commands[0]) < 1000


def stats(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_doctor_says_what_fits_and_what_does_not_and_changes_nothing(project):
    params = copy.deepcopy(TINY)
    params["models"]["vae"]["learning_rate"] = [0.001, 0.003, 10.0]
    params["models"]["mmd_vae"]["batch_size"] = 100
    write_params(project, params)
    before = stats(project / LAYOUT.results)
    said = " ".join(run(project, "latentgrid", "doctor").stdout.split())
    assert "runs fits 2 not there yet 2" in said
    assert "2 runs in results/digits/runs that this configuration does not have" in said
    assert "Every file is as it was written." in said
    assert stats(project / LAYOUT.results) == before


def test_pruned_runs_are_put_aside_and_taken_back(project):
    params = copy.deepcopy(TINY)
    params["models"]["vae"]["learning_rate"] = [0.001, 10.0]
    write_params(project, params)
    weights = (project / LAYOUT.run(SECOND).weights).read_bytes()
    said = run(project, "latentgrid", "prune").stdout
    aside = LAYOUT.aside / "runs" / SECOND
    assert f"{LAYOUT.run(SECOND).folder} → {aside}" in said
    assert (project / aside / "weights.safetensors").read_bytes() == weights
    assert not (project / LAYOUT.run(SECOND).folder).exists()
    write_params(project, TINY)
    runs, _ = planned(project)
    assert runs == {}
    assert (project / LAYOUT.run(SECOND).weights).read_bytes() == weights


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A project whose results DVC has, at a commit."""
    project = copy_built(built(tmp_path_factory), tmp_path_factory.mktemp("dvc") / "project")
    run(project, "git", "init", "--quiet")
    run(project, "dvc", "repro")
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "recorded")
    return project


@pytest.fixture
def recorded(committed, tmp_path):
    return copy_built(committed, tmp_path / "recorded")


def test_a_cache_that_lacks_or_spoils_an_object_is_looked_at_before_anything_is_restored(recorded):
    weights = recorded / LAYOUT.run(FIRST).weights
    content = weights.read_bytes()
    cache = recorded / ".dvc/cache/files/md5"
    cached = next(
        path for path in cache.rglob("*") if path.is_file() and path.read_bytes() == content
    )
    cached.chmod(0o644)
    metrics = recorded / LAYOUT.run(FIRST).metrics
    for spoil in (lambda: cached.write_bytes(content[:-1] + b"x"), cached.unlink):
        spoil()
        metrics.unlink(missing_ok=True)
        done = call(recorded, "latentgrid", "restore")
        assert done.returncode != 0
        assert "error: nothing was restored" in done.stderr
        assert f"{LAYOUT.run(FIRST).weights}: " in done.stderr
        assert weights.read_bytes() == content
        assert not metrics.exists()
    cached.write_bytes(content)
    run(recorded, "latentgrid", "restore")
    assert metrics.exists()
    assert NOTHING in planned(recorded)[1]


def test_without_snakemakes_records_dvc_repro_makes_what_an_edit_asks_for(recorded):
    shutil.rmtree(recorded / ".snakemake")
    params = copy.deepcopy(TINY)
    params["training"]["epochs"] = 2
    params["models"] = {"vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}}
    params["figures"] = []
    write_params(recorded, params)
    run(recorded, "dvc", "repro")
    config = json.loads((recorded / LAYOUT.run(FIRST).config).read_text())
    assert config["settings"]["epochs"] == 2
    assert list(pd.read_csv(recorded / LAYOUT.run(FIRST).history)["epoch"]) == [1, 2]
    assert (recorded / LAYOUT.aside / "runs" / SECOND).is_dir()


def ended_by(project, *command):
    """Call a command that must end in one line of error, and return what it said."""
    done = call(project, *command)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_bytecode_with_the_date_and_size_of_an_edited_source_is_not_taken_for_it(project):
    source = project / "src/latentgrid/evaluation/measures/reconstruction.py"
    module = "latentgrid.evaluation.measures.reconstruction"
    written = {"PYTHONDONTWRITEBYTECODE": ""}
    command = ["python", "-c", f"import {module}"]
    subprocess.run(command, cwd=project, env=environment(project) | written, check=True)
    before, stat = source.read_text(), source.stat()
    metrics = project / LAYOUT.run(MMD_VAE).metrics
    old = json.loads(metrics.read_text())["test_squared_error"]
    edit(source, "errors[: len", "errors[9:len")
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert len(source.read_text()) == len(before)
    run(project, "snakemake", "--cores", "1", str(LAYOUT.run(MMD_VAE).metrics))
    assert json.loads(metrics.read_text())["test_squared_error"] != old


def test_runs_that_are_trained_again_are_put_aside_and_come_back_with_their_settings(project):
    weights = (project / LAYOUT.run(FIRST).weights).read_bytes()
    params = copy.deepcopy(TINY)
    params["training"]["batch_size"] = 100
    write_params(project, params)
    run(project, "snakemake", "--cores", "1", str(LAYOUT.run(FIRST).outcome))
    assert (project / LAYOUT.aside / "runs" / FIRST / "weights.safetensors").exists()
    again = (project / LAYOUT.run(FIRST).weights).read_bytes()
    assert again != weights
    write_params(project, TINY)
    assert planned(project)[0] == {}
    assert (project / LAYOUT.run(FIRST).weights).read_bytes() == weights
    write_params(project, params)
    assert FIRST not in planned(project)[0]
    assert (project / LAYOUT.run(FIRST).weights).read_bytes() == again


def test_dates_of_the_beginning_of_time_hide_no_edit(project):
    for path in (path for path in project.rglob("*") if path.is_file()):
        os.utime(path, (0, 0))
    assert NOTHING in planned(project)[1]
    edit(project / "src/latentgrid/models/mmd_vae.py", "2 * kernel", "3 * kernel")
    assert set(planned(project)[0]) == {MMD_VAE}


def test_the_shell_line_of_a_later_step_is_part_of_what_made_its_results(project):
    edit(project / "workflow/rules/evaluate.smk", "{params.test_images}", "{params.test_images} ")
    done = run(project, "snakemake", "-n")
    assert "to make again: 4 results (command" in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("to train: ")]


def test_what_a_model_says_of_its_loss_is_part_of_what_made_the_tables(project):
    modules = json.loads((project / LAYOUT.tables / ".runs.csv.made").read_text())["modules"]
    assert {"latentgrid.models.vae", "latentgrid.models.mmd_vae"} <= set(modules)


def test_an_edit_of_the_data_set_trains_again_in_the_same_call(project):
    edit(project / "src/latentgrid/data/sources/digits.py", "random_state=0", "random_state=1")
    runs, _ = planned(project)
    assert len(runs) == 4
    assert all(reason == "data: code of latentgrid.data.sources.digits" for reason in runs.values())


def test_code_that_is_no_text_or_no_python_is_named(project):
    source = project / "src/latentgrid"
    for name in ("evaluation/measures/silhouette.py", "models/vae.py"):
        good = (source / name).read_bytes()
        for bad in (good + b"\xff\n", good + b"def\n"):
            (source / name).write_bytes(bad)
            assert "error: " in ended_by(project, "snakemake", "-n")
        (source / name).write_bytes(good)


def test_a_stamp_that_says_nothing_fits_nothing(project):
    stamp = project / LAYOUT.run(FIRST).folder / ".metrics.json.made"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"inputs": None}))
    done = run(project, "snakemake", "-n")
    assert "to make again: 1 result (nothing says what made it)" in done.stderr
