"""MLflow shows what the run files say: real MLflow, real SQLite, real processes."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from mlflow.entities import Metric, Param

from latentgrid.errors import UserError
from latentgrid.files.atomic import sha256
from latentgrid.files.layout import Layout
from latentgrid.tracking.logged import NOTE_TAG
from latentgrid.tracking.names import setting
from latentgrid.tracking.records import (
    COMMIT_TAG,
    FOLDER_TAG,
    NAME_TAG,
    QUALITY_TAG,
    STATUS_TAG,
    VERDICT_TAG,
    _params,
)
from latentgrid.tracking.runs import DIGEST_TAG
from latentgrid.tracking.server import DatabaseUnusable, TrackingUnavailable
from latentgrid.tracking.sync import sync
from tracked import (
    DATASET,
    ENDED,
    KEYS,
    NAME,
    OTHER,
    OTHER_TITLE,
    SECONDS,
    STARTED,
    TITLE,
    artifact,
    client,
    closed_port,
    curve,
    enter,
    model_of,
    only,
    planned,
    points,
    serving,
    shown,
    syncing,
    training,
    wait_until,
    weights_of,
    write_history,
    write_json,
    write_measures,
    write_plan,
    write_run,
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a database, in a path that needs care in URIs."""
    return enter(tmp_path / "it's a project 100%", monkeypatch)


@pytest.fixture
def layout(project: Path) -> Layout:
    """The files of a data set in a project whose database exists."""
    return planned()


@pytest.fixture
def server(layout: Layout) -> Iterator[str]:
    """MLflow's page of the project."""
    with serving() as url:
        yield url


def test_a_finished_run_is_shown_as_its_files_say(layout: Layout) -> None:
    files = write_run(layout)
    write_measures(files, 0.25)
    sync(layout)
    run = only()
    assert run.info.run_name == TITLE
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (STARTED, ENDED)
    assert run.data.params == {
        "entry": "vae",
        "setting": "vae d=2 1e-4 adam",
        "model": "vae",
        "latent_dim": "2",
        "optimizer": "adam",
        "learning_rate": "0.0001",
        "epochs": "3",
        "batch_size": "100",
        "precision": "float32",
        "seed": "1",
    }
    assert set(run.data.metrics) == {*KEYS, SECONDS, "final/silhouette"}
    assert run.data.metrics["final/silhouette"] == 0.25
    for column in KEYS:
        assert points(run, column) == curve(column, 3)
    assert run.data.tags[NAME_TAG] == NAME
    assert run.data.tags[FOLDER_TAG] == str(files.folder.absolute())
    assert run.data.tags[STATUS_TAG] == "finished"
    assert run.data.tags[COMMIT_TAG] == "0123456789ab-dirty"
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == (DATASET, "d" * 36)
    assert json.loads(used.dataset.profile)["sha256"] == "d" * 64
    assert len(run.data.tags[NOTE_TAG].splitlines()) == 5
    assert len(run.data.tags[DIGEST_TAG]) == 64
    assert sha256(artifact(run, "overview.png")) == sha256(files.overview)
    assert weights_of(client(), run) == files.weights.read_bytes()


def test_mlflow_keeps_no_second_copy_of_weights(layout: Layout) -> None:
    files = write_run(layout)
    sync(layout)
    assert files.weights.stat().st_nlink == 2
    model = model_of(client(), only())
    assert model is not None
    assert (model / "run" / "weights.safetensors").samefile(files.weights)


def test_users_see_four_tags_of_ours(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    seen = {tag for tag in only().data.tags if not tag.startswith("mlflow.")}
    assert seen == {NAME_TAG, STATUS_TAG, VERDICT_TAG, QUALITY_TAG}


def test_verdicts_on_what_was_published_are_tags(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    assert only().data.tags[VERDICT_TAG] == "nothing published of this setting"
    layout.tables.mkdir(parents=True)
    heading = "study,table,published,verdict,runs"
    numbers = layout.tables / "verdicts.csv"
    numbers.write_text(f'{heading}\na,VII.1,2.5,reproduced,"{NAME}"\na,VII.2,3.5,not run,\n')
    (layout.tables / "claims.csv").write_text("answer\nsupported\nsupported\n")
    sync(layout)
    assert only().data.tags[VERDICT_TAG] == "reproduced: 2.5 in a, table VII.1"
    tags = {
        "latentgrid.published.numbers.reproduced": "1",
        "latentgrid.published.numbers.not run": "1",
        "latentgrid.published.comparisons.supported": "2",
    }
    assert tags.items() <= client().get_experiment_by_name(DATASET).tags.items()
    numbers.write_text(f"{heading}\na,VII.1,2.5,not run,\na,VII.2,3.5,not run,\n")
    sync(layout)
    assert only().data.tags[VERDICT_TAG] == "nothing published of this setting"
    tags |= {
        "latentgrid.published.numbers.reproduced": "0",
        "latentgrid.published.numbers.not run": "2",
    }
    assert tags.items() <= client().get_experiment_by_name(DATASET).tags.items()


def test_flags_of_quality_control_are_tags(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    assert only().data.tags[QUALITY_TAG] == "no flag"
    layout.tables.mkdir(parents=True)
    heading = "flag,where,found,rule,runs"
    still = f'still falling,"{NAME}",22% of its fall,a rule,"{NAME}"'
    layout.quality.write_text(f'{heading}\n{still}\nconstant,elbo,1 for all,a rule,"{NAME}"\n')
    layout.controls.write_text("measure,inside\nelbo,yes\nelbo,yes\nrate,no\n")
    sync(layout)
    assert only().data.tags[QUALITY_TAG] == "still falling: 22% of its fall"
    tags = {
        "latentgrid.quality.flags.still falling": "1",
        "latentgrid.quality.flags.constant": "1",
        "latentgrid.quality.controls.inside": "2",
        "latentgrid.quality.controls.outside": "1",
    }
    assert tags.items() <= client().get_experiment_by_name(DATASET).tags.items()
    layout.quality.write_text(f"{heading}\n")
    sync(layout)
    assert only().data.tags[QUALITY_TAG] == "no flag"
    tags |= dict.fromkeys((tag for tag in tags if ".flags." in tag), "0")
    assert tags.items() <= client().get_experiment_by_name(DATASET).tags.items()


def test_settings_without_a_value_put_no_word_among_the_numbers() -> None:
    given = {"model": "pca", "learning_rate": None, "hyperparameters": {"latent_dim": 2}}
    assert _params("pca/latent_dim=2/seed=0", given) == {
        "entry": "pca",
        "setting": "pca d=2",
        "model": "pca",
        "latent_dim": "2",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.0005", "5e-4"),
        ("7.5e-05", "7.5e-5"),
        ("0.00012345", "0.00012345"),
        ("0.00012346", "0.00012346"),
        ("0.25", "0.25"),
        ("20000.0", "2e+04"),
        ("12345", "12345"),
    ],
)
def test_no_two_settings_have_one_name(value: str, shown: str) -> None:
    assert setting(f"vae/latent_dim=2,learning_rate={value}/seed=0") == f"vae d=2 {shown}"


def test_a_second_sync_writes_nothing(layout: Layout) -> None:
    write_measures(write_run(layout), 0.25)
    write_run(layout, OTHER, diverged="train_kl was inf in epoch 4")
    sync(layout)
    before = Path("mlflow.db").read_bytes()
    sync(layout)
    assert Path("mlflow.db").read_bytes() == before


def test_a_diverged_run_has_failed_and_says_why(layout: Layout) -> None:
    write_run(layout, epochs=0, diverged="train_kl was inf in epoch 1")
    sync(layout)
    run = only()
    assert run.info.status == "FAILED"
    assert run.data.tags[STATUS_TAG] == "diverged: train_kl was inf in epoch 1"
    assert run.data.metrics == {}


def test_a_curve_grows_while_training_runs_and_has_each_epoch_once(layout: Layout) -> None:
    files = layout.run(NAME)
    with training(files):
        sync(layout)
        assert (only().info.status, only().info.end_time) == ("RUNNING", None)
        assert only().data.params["latent_dim"] == "2"
        for epochs in (1, 2):
            write_history(files.live_history, epochs)
            sync(layout)
            assert points(only(), "test/kl") == curve("test/kl", epochs)
        running = only()
        write_run(layout)
    shutil.rmtree(files.state)
    sync(layout)
    run = only()
    assert run.info.run_id == running.info.run_id
    assert (run.info.status, run.info.end_time) == ("FINISHED", ENDED)
    for column in KEYS:
        assert points(run, column) == curve(column, 3)
    assert weights_of(client(), run) == files.weights.read_bytes()


def test_a_run_whose_process_is_gone_has_failed_until_it_is_trained_again(layout: Layout) -> None:
    files = layout.run(NAME)
    with training(files):
        write_history(files.live_history, 2)
        sync(layout)
    sync(layout)
    assert only().info.status == "FAILED"
    assert only().info.end_time is not None
    assert points(only(), "train/loss") == curve("train/loss", 2)
    write_json(files.failure, {"reason": "MemoryError"})
    sync(layout)
    assert only().data.tags[STATUS_TAG] == "failed: MemoryError"
    files.failure.unlink()
    files.live_history.unlink()
    with training(files):
        sync(layout)
        assert (only().info.status, only().info.end_time) == ("RUNNING", None)
        assert only().data.metrics == {}


def test_training_again_replaces_the_run(layout: Layout) -> None:
    files = write_run(layout)
    write_measures(files, 0.25)
    sync(layout)
    first = only()
    shutil.rmtree(files.folder)
    with training(files):
        write_history(files.live_history, 1, offset=5)
        sync(layout)
        assert only().info.status == "RUNNING"
        assert points(only(), "train/loss") == curve("train/loss", 1, offset=5)
    shutil.rmtree(files.state)
    write_run(layout, offset=5)
    sync(layout)
    assert only().info.status == "FINISHED"
    assert only().info.run_id == first.info.run_id
    assert points(only(), "train/loss") == curve("train/loss", 3, offset=5)
    assert "final/silhouette" not in only().data.metrics


@pytest.mark.parametrize("epochs", [2, 4])
def test_files_that_changed_between_two_imports_replace_the_run(
    layout: Layout, epochs: int
) -> None:
    write_run(layout)
    sync(layout)
    write_run(layout, epochs=epochs, offset=5)
    sync(layout)
    for column in KEYS:
        assert points(only(), column) == curve(column, epochs, offset=5)


def test_training_again_with_the_same_outcome_still_replaces_the_run(layout: Layout) -> None:
    files = write_run(layout)
    sync(layout)
    tomorrow = {"started": "2026-07-02T10:00:00+00:00", "ended": "2026-07-02T10:01:00+00:00"}
    write_json(files.timing, json.loads(files.timing.read_text()) | tomorrow)
    sync(layout)
    assert only().info.end_time == ENDED + 24 * 3600 * 1000
    assert only().info.start_time == STARTED + 24 * 3600 * 1000


def test_measures_that_come_later_join_the_run_and_changed_ones_replace_it(layout: Layout) -> None:
    files = write_run(layout)
    sync(layout)
    trained = only()
    write_measures(files, 0.25)
    sync(layout)
    measured = only()
    assert measured.info.run_id == trained.info.run_id
    assert points(measured, "final/silhouette") == [(0, 0.25)]
    assert points(measured, "train/loss") == curve("train/loss", 3)
    assert artifact(measured, "overview.png").read_bytes() == b"picture"
    write_measures(files, 0.5)
    sync(layout)
    assert points(only(), "final/silhouette") == [(0, 0.5)]


def test_an_import_that_was_killed_half_way_is_completed(layout: Layout) -> None:
    epochs = 300
    files = write_run(layout, epochs=epochs)
    sync(layout)
    whole = only()
    client().delete_run(whole.info.run_id)
    tags = {NAME_TAG: NAME, FOLDER_TAG: str(files.folder.absolute())}
    half = client().create_run(whole.info.experiment_id, start_time=STARTED, tags=tags)
    # As far as a first batch of 1000 points reaches: into the middle of an epoch.
    logged = [
        Metric(column, value, STARTED + step * 1000, step)
        for row in zip(*(curve(column, epochs) for column in KEYS), strict=True)
        for column, (step, value) in zip(KEYS, row, strict=True)
    ][:1000]
    client().log_batch(half.info.run_id, metrics=logged, params=[Param("entry", "vae")])
    sync(layout)
    run = only()
    assert run.info.run_id == half.info.run_id
    assert (run.info.status, run.data.params) == ("FINISHED", whole.data.params)
    for column in KEYS:
        assert points(run, column) == curve(column, epochs)


def test_of_two_runs_with_one_name_one_stays(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    run = only()
    tags = {key: run.data.tags[key] for key in (NAME_TAG, FOLDER_TAG)}
    client().create_run(run.info.experiment_id, tags=tags)
    sync(layout)
    assert only().data.metrics.keys() == {*KEYS, SECONDS}


def test_a_run_goes_when_neither_its_files_nor_the_plan_have_it(layout: Layout) -> None:
    write_plan(layout, NAME, OTHER)
    files = [write_run(layout, name) for name in (NAME, OTHER)]
    sync(layout)
    for run in files:
        shutil.rmtree(run.folder)
    write_plan(layout, OTHER)
    sync(layout)
    assert [run.info.run_name for run in shown()] == [OTHER_TITLE]


def test_a_planned_run_without_files_is_not_left_running(layout: Layout) -> None:
    with training(layout.run(NAME)):
        sync(layout)
    shutil.rmtree(layout.state)
    sync(layout)
    assert only().info.status == "KILLED"
    assert only().data.tags[STATUS_TAG] == "its files are gone"


def test_runs_of_another_folder_are_left_alone(layout: Layout, monkeypatch, tmp_path) -> None:
    uri = f"sqlite:///{Path.cwd()}/mlflow.db"
    write_run(layout)
    sync(layout)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with monkeypatch.context() as there:
        there.chdir(elsewhere)
        there.setenv("MLFLOW_TRACKING_URI", uri)
        write_run(layout, offset=5)
        sync(layout)
        shutil.rmtree(layout.runs)
        sync(layout)
    assert points(only(), "train/loss") == curve("train/loss", 3)


def test_an_experiment_deleted_by_hand_comes_back(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    client().delete_experiment(only().info.experiment_id)
    sync(layout)
    assert only().info.status == "FINISHED"


def test_a_database_that_was_moved_is_refused_with_the_way_out(
    layout: Layout, monkeypatch, tmp_path
) -> None:
    write_run(layout)
    sync(layout)
    moved = tmp_path / "moved"
    shutil.copytree(Path.cwd(), moved)
    monkeypatch.chdir(moved)
    with pytest.raises(TrackingUnavailable, match="move it away, and `latentgrid track` makes it"):
        sync(layout)
    Path("mlflow.db").unlink()
    sync(layout)
    assert only().info.artifact_uri.startswith(moved.as_uri())


def test_nothing_is_printed(project: Path) -> None:
    layout = Layout(DATASET)
    write_run(layout)
    done = subprocess.run(syncing(DATASET), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert only().info.status == "FINISHED"


def test_a_server_that_is_down_is_told_quickly(layout: Layout, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{closed_port()}")
    write_run(layout)
    started = time.monotonic()
    with pytest.raises(TrackingUnavailable, match="are safe, and `latentgrid track`") as caught:
        sync(layout)
    assert time.monotonic() - started < 20
    assert "secret" not in str(caught.value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    sync(layout)
    assert only().info.status == "FINISHED"


def test_a_server_that_never_answers_is_told_soon(layout: Layout, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        write_run(layout)
        started = time.monotonic()
        with pytest.raises(TrackingUnavailable, match="are safe, and `latentgrid track`"):
            sync(layout)
        assert time.monotonic() - started < 20


def test_a_broken_database_is_told_quickly(layout: Layout) -> None:
    Path("mlflow.db").write_bytes(b"no database" * 1000)
    started = time.monotonic()
    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        sync(layout)
    assert time.monotonic() - started < 20


def test_a_damaged_file_of_a_run_is_named(layout: Layout) -> None:
    files = write_run(layout)
    for path in (files.history, files.outcome, files.config, files.timing):
        good = path.read_bytes()
        path.write_bytes(good[: good.find(b"\n") + 1])  # at the end of its first line
        with pytest.raises(UserError, match=f"{path.name}: is damaged"):
            sync(layout)
        path.write_bytes(good)
    sync(layout)
    assert only().info.status == "FINISHED"


def follower() -> subprocess.Popen[str]:
    """A process that follows until its standard input ends."""
    code = (
        "import sys; from latentgrid.files.layout import Layout;"
        "from latentgrid.tracking.follow import follow;"
        f"follow(Layout({DATASET!r}), sys.stdin, seconds=0.2)"
    )
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def test_following_shows_changes_while_the_workflow_lives_and_all_at_its_end(
    layout: Layout,
) -> None:
    files = layout.run(NAME)
    write_run(layout, OTHER)
    first = follower()
    wait_until((layout.results / ".follow.lock").exists)
    second = follower()
    assert second.communicate(timeout=300) == ("", "")
    untouched = Path("mlflow.db").read_bytes()
    time.sleep(1)
    assert first.poll() is None
    assert Path("mlflow.db").read_bytes() == untouched, "no file had changed"
    with training(files):
        for epochs in (1, 2):
            write_history(files.live_history, epochs)
            wait_until(lambda n=epochs: logged_steps(NAME) == n)
    wait_until(lambda: {run.info.run_name: run.info.status for run in shown()}[TITLE] == "FAILED")
    shutil.rmtree(files.state)
    write_run(layout)
    assert first.communicate(timeout=300) == ("", "")
    assert {run.info.run_name: run.info.status for run in shown()} == {
        TITLE: "FINISHED",
        OTHER_TITLE: "FINISHED",
    }


def test_the_machine_is_watched_while_a_run_trains_if_that_is_asked_for(
    layout: Layout, monkeypatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    files = layout.run(NAME)
    process = follower()
    wait_until((layout.results / ".follow.lock").exists)
    with training(files):
        write_history(files.live_history, 1)
        wait_until(lambda: "system/cpu_utilization_percentage" in metrics_of(NAME))
    write_run(layout)
    shutil.rmtree(files.state)
    assert process.communicate(timeout=300) == ("", "")
    assert "system/cpu_utilization_percentage" in metrics_of(NAME)
    assert only().info.status == "FINISHED"


def metrics_of(name: str) -> set[str]:
    if client().get_experiment_by_name(DATASET) is None:
        return set()
    return {key for run in shown() if run.data.tags[NAME_TAG] == name for key in run.data.metrics}


def logged_steps(name: str) -> int:
    if client().get_experiment_by_name(DATASET) is None:
        return 0
    return sum(len(points(run, "train/loss")) for run in shown() if run.data.tags[NAME_TAG] == name)


def test_following_without_a_server_warns_once_and_ends_with_the_error(
    layout: Layout, monkeypatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port()}")
    process = follower()
    wait_until((layout.results / ".follow.lock").exists)
    write_run(layout)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("warning: MLflow at http://127.0.0.1")
    write_run(layout, OTHER)
    said, errors = process.communicate(timeout=300)
    assert (process.returncode, said) == (1, "")
    assert "warning: " not in errors
    assert "TrackingUnavailable: MLflow at http://127.0.0.1" in errors.splitlines()[-1]


@pytest.mark.slow
def test_sixteen_processes_at_once_make_one_whole_database(project: Path) -> None:
    names = [f"vae/latent_dim={number}/seed=1" for number in range(8)]
    for dataset in ("digits", "mnist"):
        for name in names:
            write_run(Layout(dataset), name)
    # Forked from one that has everything imported, they start within milliseconds of each other.
    code = """
import multiprocessing, sys
import mlflow, mlflow.store.tracking.sqlalchemy_store
from latentgrid.files import layout as paths
from latentgrid.tracking.sync import sync
fork = multiprocessing.get_context("fork")
layouts = [paths.Layout(dataset) for dataset in ("digits", "mnist") * 8]
processes = [fork.Process(target=sync, args=(layout,)) for layout in layouts]
for process in processes:
    process.start()
for process in processes:
    process.join()
print([process.exitcode for process in processes])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{[0] * 16}\n", "")
    for dataset in ("digits", "mnist"):
        assert sorted(run.data.tags[NAME_TAG] for run in shown(dataset)) == names
        for run in shown(dataset):
            assert run.info.status == "FINISHED"
            assert points(run, "train/loss") == curve("train/loss", 3)
    upgrade = subprocess.run(
        [sys.executable, "-m", "mlflow", "db", "upgrade", "sqlite:///mlflow.db"], check=False
    )
    assert upgrade.returncode == 0


@pytest.mark.slow
def test_kills_at_any_moment_leave_nothing_that_the_next_sync_does_not_mend(project: Path) -> None:
    layout = Layout(DATASET)
    names = sorted(f"vae/latent_dim={number}/seed=1" for number in range(24))
    for name in names:
        write_run(layout, name, epochs=50)
    artifacts = Path("mlruns", DATASET)
    for seen in (Path("mlflow.db.part"), Path("mlflow.db"), artifacts):
        process = subprocess.Popen(syncing(DATASET))
        wait_until(seen.exists)
        process.kill()
        assert process.wait() != 0, "it ended before it was killed"
    sync(layout)
    assert sorted(run.data.tags[NAME_TAG] for run in shown()) == names
    for run in shown():
        assert run.info.status == "FINISHED"
        assert points(run, "test/loss") == curve("test/loss", 50)


def listening(url: str) -> set[str]:
    """The addresses at which somebody listens on the port of a URL."""
    port = int(url.rpartition(":")[2])
    return {
        place.laddr.ip
        for place in psutil.net_connections("tcp")
        if place.laddr.port == port and place.status == psutil.CONN_LISTEN
    }


@pytest.mark.slow
def test_the_user_interface_lists_every_run_once_with_its_files_on_this_machine_only(
    layout: Layout, server: str, monkeypatch, capfd
) -> None:
    assert listening(server) == {"127.0.0.1"}
    for dataset in ("digits", "mnist"):
        for name in (NAME, OTHER):
            write_measures(write_run(Layout(dataset), name), 0.25)
    sync(Layout("digits"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    sync(Layout("mnist"))
    sync(Layout("mnist"))
    assert capfd.readouterr() == ("", "")
    api = f"{server}/api/2.0/mlflow"
    for dataset in ("digits", "mnist"):
        found = requests.get(
            f"{api}/experiments/get-by-name", {"experiment_name": dataset}, timeout=30
        ).json()
        ids = [found["experiment"]["experiment_id"]]
        runs = requests.post(f"{api}/runs/search", json={"experiment_ids": ids}, timeout=30).json()[
            "runs"
        ]
        assert sorted(run["info"]["run_name"] for run in runs) == [TITLE, OTHER_TITLE]
        assert {run["info"]["status"] for run in runs} == {"FINISHED"}
        for run in runs:
            picture = requests.get(
                f"{server}/get-artifact",
                {"run_uuid": run["info"]["run_id"], "path": "overview.png"},
                timeout=30,
            )
            assert picture.content == b"picture"
            history = requests.get(
                f"{api}/metrics/get-history",
                {"run_id": run["info"]["run_id"], "metric_key": "train/loss"},
                timeout=30,
            ).json()["metrics"]
            assert [(point["step"], point["value"]) for point in history] == curve("train/loss", 3)
