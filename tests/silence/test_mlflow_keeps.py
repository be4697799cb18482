"""What users add to a run in MLflow stays, whatever becomes of the run's record."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.tracking.logged import Logged
from latentgrid.tracking.records import COMMIT_TAG, FOLDER_TAG, NAME_TAG, STATUS_TAG
from latentgrid.tracking.sync import sync
from project import empty_database
from tiny import seal, write_config
from tracked import (
    DATASET,
    KEYS,
    NAME,
    OTHER,
    SECONDS,
    SETTINGS,
    client,
    curve,
    enter,
    model_of,
    planned,
    serving,
    training,
    weights_of,
    write_history,
    write_json,
    write_measures,
    write_plan,
    write_run,
)

NOTE = "mlflow.note.content"
AGAIN = {"started": "2026-07-02T10:00:00+00:00", "ended": "2026-07-02T10:01:00+00:00"}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The files of a data set in a project with a database, and MLflow's."""
    enter(tmp_path / "it's mine", monkeypatch)
    return planned()


def shown(mlflow: MlflowClient) -> list[Run]:
    experiment = mlflow.get_experiment_by_name(DATASET)
    return list(mlflow.search_runs([experiment.experiment_id]))


def only(mlflow: MlflowClient) -> Run:
    (run,) = shown(mlflow)
    return run


def points(mlflow: MlflowClient, run: Run, key: str) -> list[tuple[int, float]]:
    history = mlflow.get_metric_history(run.info.run_id, key)
    return [(point.step, point.value) for point in sorted(history, key=lambda p: p.timestamp)]


def annotate(mlflow: MlflowClient, run: Run) -> None:
    """Do all that a user may do to a run."""
    run_id = run.info.run_id
    mlflow.set_tag(run_id, NOTE, "the best one so far")
    mlflow.set_tag(run_id, "reviewed by", "Ada")
    mlflow.update_run(run_id, name="my favourite")
    mlflow.log_param(run_id, "looked at", "twice")
    for step, value in enumerate((0.5, 0.25)):
        mlflow.log_metric(run_id, "my_fid", value, timestamp=1000 + step, step=step)
    mlflow.log_text(run_id, "they look like digits", "notes/samples.txt")


def assert_annotated(mlflow: MlflowClient, run: Run) -> None:
    assert run.data.tags[NOTE] == "the best one so far"
    assert run.data.tags["reviewed by"] == "Ada"
    assert run.info.run_name == "my favourite"
    assert run.data.params["looked at"] == "twice"
    assert points(mlflow, run, "my_fid") == [(0, 0.5), (1, 0.25)]
    history = mlflow.get_metric_history(run.info.run_id, "my_fid")
    assert sorted(point.timestamp for point in history) == [1000, 1001]
    assert read(mlflow, run, "notes/samples.txt") == b"they look like digits"


def read(mlflow: MlflowClient, run: Run, name: str) -> bytes:
    Path("downloads").mkdir(exist_ok=True)
    path = mlflow.download_artifacts(run.info.run_id, name, dst_path="downloads")
    return Path(path).read_bytes()


def files_of(mlflow: MlflowClient, run: Run) -> set[str]:
    return {file.path for file in mlflow.list_artifacts(run.info.run_id)}


def train_again(layout: Layout) -> RunFiles:
    """Write another training of the same run, which has not been measured."""
    shutil.rmtree(layout.run(NAME).folder)
    files = write_run(layout, epochs=2, offset=5)
    files.weights.write_bytes(b"others")
    write_config(files, SETTINGS, code="ba9876543210", **{"data sha256": "e" * 64})
    write_json(files.timing, json.loads(files.timing.read_text()) | AGAIN)
    seal(files)
    return files


def change_a_measure(layout: Layout) -> None:
    write_measures(layout.run(NAME), 0.5)


def lose_a_measure(layout: Layout) -> None:
    layout.run(NAME).metrics.unlink()


def change_a_setting(layout: Layout) -> None:
    settings = SETTINGS | {"batch_size": 50}
    files = layout.run(NAME)
    write_config(files, settings, code="0" * 12, **{"data sha256": "d" * 64})
    seal(files)


def change_a_cell(layout: Layout) -> None:
    """Change one number in the middle of a curve that is not the last column."""
    history = layout.run(NAME).history
    history.write_text(history.read_text().replace("\n2,0.5,", "\n2,0.75,"))
    seal(layout.run(NAME))


def diverge(layout: Layout) -> None:
    write_run(layout, epochs=1, diverged="train_kl was inf in epoch 2")


@pytest.mark.parametrize(
    "change",
    [
        change_a_measure,
        lose_a_measure,
        change_a_setting,
        change_a_cell,
        diverge,
        train_again,
    ],
)
def test_a_run_that_changes_keeps_its_id_and_all_that_is_its_users(
    layout: Layout, change: Callable[[Layout], object]
) -> None:
    write_measures(write_run(layout), 0.25)
    sync(layout)
    before = only(client())
    annotate(client(), before)
    change(layout)
    sync(layout)
    after = only(client())
    assert after.info.run_id == before.info.run_id
    assert after.data.tags != before.data.tags
    assert_annotated(client(), after)


def test_nothing_of_the_former_training_is_left_in_the_run(layout: Layout) -> None:
    files = write_run(layout)
    write_measures(files, 0.25)
    write_json(files.metrics, {"status": "finished", "silhouette": 0.25, "an older measure": 1.0})
    sync(layout)
    files = train_again(layout)
    sync(layout)
    run = only(client())
    for column in KEYS:
        assert points(client(), run, column) == curve(column, 2, offset=5)
    assert run.data.metrics.keys() == {*KEYS, SECONDS}
    assert run.data.tags[COMMIT_TAG] == "ba9876543210"
    assert files_of(client(), run) == set()
    assert weights_of(client(), run) == b"others"
    assert run.info.end_time == 1782900060000 + 24 * 3600 * 1000


def test_while_a_run_trains_again_it_shows_nothing_of_the_former_training(layout: Layout) -> None:
    files = write_run(layout)
    write_measures(files, 0.25)
    sync(layout)
    annotate(client(), only(client()))
    shutil.rmtree(files.folder)
    with training(files):
        write_history(files.live_history, 1, offset=5)
        sync(layout)
        run = only(client())
    assert (run.info.status, run.info.end_time) == ("RUNNING", None)
    assert COMMIT_TAG not in run.data.tags
    assert files_of(client(), run) == {"notes"}
    assert model_of(client(), run) is None
    assert points(client(), run, "train/loss") == curve("train/loss", 1, offset=5)
    assert run.data.metrics.keys() == {*KEYS, "my_fid"}
    assert_annotated(client(), run)


@pytest.mark.parametrize("change", [change_a_setting, change_a_measure, change_a_cell])
def test_what_changed_is_shown_as_the_files_say(
    layout: Layout,
    change: Callable[[Layout], object],
) -> None:
    write_measures(write_run(layout), 0.25)
    sync(layout)
    change(layout)
    sync(layout)
    in_place = only(client())
    curves = {column: points(client(), in_place, column) for column in KEYS}
    shutil.copy(empty_database(), "mlflow.db")
    sync(layout)
    fresh = only(client())
    assert in_place.data.params == fresh.data.params
    assert in_place.data.metrics == fresh.data.metrics
    assert in_place.data.tags == fresh.data.tags
    assert curves == {column: points(client(), fresh, column) for column in KEYS}


def test_a_registered_version_points_at_the_training_that_it_is_of(layout: Layout, capfd) -> None:
    write_measures(write_run(layout), 0.25)
    sync(layout)
    first = only(client())
    annotate(client(), first)
    client().create_registered_model("digits generator")
    client().create_model_version("digits generator", "somewhere", first.info.run_id)
    change_a_measure(layout)
    capfd.readouterr()
    sync(layout)
    assert capfd.readouterr() == ("", "")
    assert only(client()).info.run_id == first.info.run_id, "measures alone change in place"
    train_again(layout)
    capfd.readouterr()
    sync(layout)
    said = capfd.readouterr().err
    assert said.startswith("note: 1 runs of digits have new ids in MLflow at sqlite:///")
    assert said.count("\n") == 1
    pointed = client().get_model_version("digits generator", "1").run_id
    kept, new = client().get_run(pointed), client().get_run(_named(client()))
    assert (kept.info.run_id, kept.info.lifecycle_stage) == (first.info.run_id, "active")
    assert points(client(), kept, "train/loss") == curve("train/loss", 3)
    assert kept.data.tags[STATUS_TAG] == "an earlier training, kept for digits generator 1"
    assert weights_of(client(), kept) == b"weights" * 100
    assert weights_of(client(), new) == b"others"
    assert points(client(), new, "train/loss") == curve("train/loss", 2, offset=5)
    for run in (kept, new):
        assert_annotated(client(), run)
    sync(layout)
    assert len(shown(client())) == 2


def _named(mlflow: MlflowClient) -> str:
    """Return the id of the one run that shows the files."""
    (run,) = (run for run in shown(mlflow) if run.data.tags.get(NAME_TAG) == NAME)
    return str(run.info.run_id)


def test_a_run_that_left_the_grid_comes_back_with_its_notes(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    annotate(client(), only(client()))
    away = Path("away")
    layout.run(NAME).folder.rename(away)
    write_plan(layout, OTHER)
    sync(layout)
    assert shown(client()) == []
    away.rename(layout.run(NAME).folder)
    write_plan(layout, NAME)
    sync(layout)
    assert_annotated(client(), only(client()))
    assert points(client(), only(client()), "train/loss") == curve("train/loss", 3)


def test_a_registered_version_of_a_run_that_left_the_grid_still_points_at_one(
    layout: Layout,
) -> None:
    write_run(layout)
    sync(layout)
    run = only(client())
    client().create_registered_model("digits generator")
    client().create_model_version("digits generator", "somewhere", run.info.run_id)
    shutil.rmtree(layout.run(NAME).folder)
    write_plan(layout, OTHER)
    sync(layout)
    sync(layout)
    assert only(client()).info.run_id == run.info.run_id


def test_of_two_runs_of_one_name_the_notes_of_both_stay(layout: Layout) -> None:
    write_run(layout)
    sync(layout)
    run = only(client())
    annotate(client(), run)
    same = {key: run.data.tags[key] for key in (NAME_TAG, FOLDER_TAG)}
    second = client().create_run(run.info.experiment_id, tags=same | {"second": "too"})
    client().log_text(second.info.run_id, "more", "more.txt")
    sync(layout)
    left = only(client())
    assert left.data.tags["second"] == "too"
    assert read(client(), left, "more.txt") == b"more"
    assert left.data.tags[NOTE] == "the best one so far"
    assert points(client(), left, "my_fid") == [(0, 0.5), (1, 0.25)]
    assert points(client(), left, "train/loss") == curve("train/loss", 3)


def test_an_update_cut_off_at_any_write_is_completed_by_the_next(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writes are real; before one of them the process is as good as killed."""
    writes = (
        *("set_tag", "log_batch", "log_artifact", "set_terminated", "create_run", "log_inputs"),
        *("create_logged_model", "finalize_logged_model", "log_outputs", "delete_logged_model"),
    )
    left = 0

    def counted(write: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return write(*given, **named)

        return call

    write_measures(write_run(layout), 0.25)
    left = 1000
    sync(layout)
    annotate(client(), only(client()))
    original = shutil.copytree(layout.runs, "original")
    for name in writes:
        monkeypatch.setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
    for survived in range(100):
        train_again(layout)
        left = survived
        try:
            sync(layout)
        except KeyboardInterrupt:
            left = 1000
            sync(layout)
            run = only(client())
            assert run.data.metrics.keys() == {*KEYS, SECONDS, "my_fid"}
            for column in KEYS:
                assert points(client(), run, column) == curve(column, 2, offset=5)
            assert files_of(client(), run) == {"notes"}
            assert weights_of(client(), run) == b"others"
            assert_annotated(client(), run)
        else:
            break
        shutil.rmtree(layout.runs)
        shutil.copytree(original, layout.runs)
        left = 1000
        sync(layout)
    assert survived >= 5, "an update is more writes than that"


def test_files_that_did_not_change_are_not_copied_again(layout: Layout) -> None:
    files = write_run(layout)
    write_measures(files, 0.25)
    sync(layout)
    run = only(client())
    picture = Path("mlruns", DATASET, run.info.run_id, "artifacts", "overview.png")
    (model,) = run.outputs.model_outputs
    before = picture.stat().st_mtime_ns
    files.weights.touch()
    write_measures(files, 0.5)
    sync(layout)
    again = only(client())
    assert again.data.metrics["final/silhouette"] == 0.5
    assert [output.model_id for output in again.outputs.model_outputs] == [model.model_id]
    assert picture.stat().st_mtime_ns == before


def test_the_tag_that_says_what_is_ours_fits_into_mlflow() -> None:
    """MLflow cuts a tag at 8000 characters without a word."""
    metrics = frozenset(f"final/reconstruction_confidence_se_{n}" for n in range(150))
    params = frozenset(f"hyperparameter_{n}" for n in range(40))
    digests = dict.fromkeys(("note", "data", "snapshots", "weights"), "0" * 64)
    said = Logged(metrics, params, {"overview.png": "0" * 64}, **digests).tag[1]
    assert len(said) < 8000


@pytest.mark.slow
def test_on_a_server_too_all_that_is_users_stays(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving() as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        mlflow = MlflowClient(tracking_uri=url)
        write_measures(write_run(layout), 0.5)
        sync(layout)
        first = only(mlflow)
        annotate(mlflow, first)
        write_measures(layout.run(NAME), 0.25)  # smaller: at the same time MLflow takes the larger
        sync(layout)
        measured = only(mlflow)
        assert measured.info.run_id == first.info.run_id
        assert measured.data.metrics["final/silhouette"] == 0.25
        assert_annotated(mlflow, measured)
        assert capfd.readouterr() == ("", "")
        train_again(layout)
        sync(layout)
        trained = only(mlflow)
        assert points(mlflow, trained, "train/loss") == curve("train/loss", 2, offset=5)
        assert trained.data.metrics.keys() == {*KEYS, SECONDS, "my_fid"}
        assert files_of(mlflow, trained) == {"notes"}
        assert weights_of(mlflow, trained) == b"others"
        assert_annotated(mlflow, trained)
        said = capfd.readouterr().err
        assert said.startswith(f"note: 1 runs of digits have new ids in MLflow at {url}, ")
        assert said.count("\n") == 1
        mlflow.create_registered_model("digits generator")
        source = trained.info.artifact_uri
        mlflow.create_model_version("digits generator", source, trained.info.run_id)
        shutil.rmtree(layout.run(NAME).folder)
        write_run(layout)
        sync(layout)
        assert mlflow.get_run(trained.info.run_id).info.lifecycle_stage == "active"
        assert _named(mlflow) != trained.info.run_id
        assert_annotated(mlflow, mlflow.get_run(_named(mlflow)))
        capfd.readouterr()
        sync(layout)
        assert capfd.readouterr() == ("", "")
