"""The one reader of a run's JSON files."""

import json

import pytest

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.results import run_json
from tracked import NAME, write_measures, write_run

LAYOUT = Layout("digits")
READERS = {
    "config": run_json.read_config,
    "outcome": run_json.read_outcome,
    "timing": run_json.read_timing,
    "metrics": run_json.read_metrics,
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = write_run(LAYOUT, NAME)
    write_measures(written, 0.25)
    return written


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_a_training_writes_is_read_with_types(files):
    config, timing = run_json.read_config(files), run_json.read_timing(files)
    assert (config.image_shape, config.settings["seed"]) == ((1, 28, 28), 1)
    assert (timing.ended - timing.started).total_seconds() == 60
    assert run_json.read_outcome(files).is_finished


def test_measures_are_cells_numbers_or_lists_of_classes(files):
    metrics = run_json.read_metrics(files)
    assert metrics.columns == {
        "status": "finished",
        "silhouette": 0.25,
        "flag": True,
        "test_loss": 9,
    }
    assert metrics.numbers == {"silhouette": 0.25, "test_loss": 9.0}
    assert metrics.of_classes("per class") == [0.1, 0.2]
    assert metrics.of_classes("silhouette") == metrics.of_classes("missing") == []


@pytest.mark.parametrize(
    ("name", "change_to", "fault"),
    [
        ("outcome", {"epochs": "3"}, "epochs: Input should be a valid integer"),
        ("outcome", {"sha256": ["a"]}, "sha256: Input should be"),
        ("timing", {"started": "yesterday"}, "started: Input should be a valid datetime"),
        ("timing", {"seconds per epoch": ["1"]}, "seconds per epoch.0: Input should be a valid"),
        ("metrics", {"silhouette": {}}, "silhouette"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_file(files, name, change_to, fault):
    path = getattr(files, name)
    change(path, **change_to)
    with pytest.raises(UserError) as raised:
        READERS[name](files)
    assert str(raised.value).startswith(f"{path}: is damaged ({fault}")


@pytest.mark.parametrize(
    ("name", "key"),
    [("outcome", "reason"), ("timing", "seconds per epoch"), ("metrics", "status")],
)
def test_a_key_that_is_not_there_is_named_as_the_file_spells_it(files, name, key):
    path = getattr(files, name)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in content.items() if k != key}))
    with pytest.raises(UserError, match=rf"{name}\.json: is damaged \(it lacks {key}\)"):
        READERS[name](files)


def test_settings_side_by_side_have_no_nested_and_no_missing_values():
    settings = {"model": "pca", "hyperparameters": {"latent_dim": 2}, "optimizer": None}
    settings |= {"snapshots": {"epochs": [1]}, "seed": 0}
    assert run_json.flat(settings) == {"model": "pca", "seed": 0, "latent_dim": 2}
