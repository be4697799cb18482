"""Damaged archives, images, weights and tables of a run: named in one message, or as they were."""

import gzip
import hashlib
import shutil
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from fuzz import cases, end_of, spoilt
from latentgrid.data import Images, checksum, load_images
from latentgrid.data.sources import mnist
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.tables import read_runs
from latentgrid.results.trained import TrainedRun, load_test_set, load_training_images
from latentgrid.steps import tables as tabulate
from latentgrid.steps.data import prepare
from networks import build
from test_data import serving
from tiny import seal, write_config

# Archives of a mirror.

SMALL = {
    name: gzip.compress(f"what stands in {name}".encode() * 20, mtime=0) for name in mnist.SHA256
}
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"
BOMB = gzip.compress(bytes(20_000_000), mtime=0)
OTHER = gzip.compress(b"\x00\x00\x09\x03" + (2**31).to_bytes(4, "big") * 3, mtime=0)
REPLACED = st.sampled_from([b"", PAGE, BOMB, OTHER, SMALL["t10k-images-idx3-ubyte.gz"]])


@pytest.fixture
def small_archives(monkeypatch):
    """Archives of a few bytes that stand for MNIST's: no case comes to the reading of them."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in SMALL.items()}
    monkeypatch.setattr(mnist, "SHA256", digests)
    monkeypatch.setattr(mnist, "BYTES", {name: len(content) for name, content in SMALL.items()})
    monkeypatch.setattr(mnist, "ATTEMPTS", 1)
    monkeypatch.setenv("no_proxy", "*")


def assert_nothing_is_trusted(folder, mirror):
    shutil.rmtree(folder, ignore_errors=True)
    images, description = folder / "images.safetensors", folder / "description.json"
    assert end_of("archives", lambda: prepare("mnist", images, description, mirror), "mirror")
    left = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert left.items() <= SMALL.items()


@given(st.sampled_from(sorted(SMALL)), st.data())
@cases(60)
def test_an_archive_of_a_folder(tmp_path, small_archives, name, data):
    mirror = tmp_path / "mirror"
    shutil.rmtree(mirror, ignore_errors=True)
    mirror.mkdir()
    content = data.draw(REPLACED | spoilt(SMALL[name]))
    for other, good in SMALL.items():
        (mirror / other).write_bytes(content if other == name else good)
    if content != SMALL[name]:
        assert_nothing_is_trusted(tmp_path / "data", str(mirror))


@given(st.sampled_from(sorted(SMALL)), st.data())
@cases(20)
def test_an_archive_of_a_server(tmp_path, small_archives, name, data):
    content = data.draw(REPLACED | spoilt(SMALL[name]))

    def respond(handler, asked):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content if asked == name else SMALL[asked])

    if content != SMALL[name]:
        with serving(respond) as (url, _):
            assert_nothing_is_trusted(tmp_path / "data", url)


def a_folder(path):
    path.mkdir()


def a_link_to_nowhere(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("put", [a_folder, a_link_to_nowhere])
def test_what_is_no_file_at_all(tmp_path, small_archives, put):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    put(mirror / "train-images-idx3-ubyte.gz")
    assert_nothing_is_trusted(tmp_path / "data", str(mirror))


@pytest.mark.parametrize(
    "mirror", ["~nobody/x", "x" * 300, "http://", "http://[", "http://a..b/", "http://é/", "/dev"]
)
def test_a_mirror_that_is_no_place(tmp_path, small_archives, mirror):
    assert_nothing_is_trusted(tmp_path / "data", mirror)


def test_a_folder_where_an_archive_is_to_go(tmp_path, small_archives):
    mirror, name = tmp_path / "mirror", "train-images-idx3-ubyte.gz"
    mirror.mkdir()
    for other, good in SMALL.items():
        (mirror / other).write_bytes(good)
    place = tmp_path / "MNIST" / "raw" / name
    place.mkdir(parents=True)
    assert end_of("archives", lambda: mnist.load(tmp_path, str(mirror)), name, "move away")


# Tensors.


def drawn_tensors(draw, tensors):
    """Tensors of which one has another name, shape or type, is no number, or is gone."""
    tensors = dict(tensors)
    name = draw(st.sampled_from(sorted(tensors)))
    tensor = tensors.pop(name)
    match draw(st.sampled_from(["name", "shape", "type", "nan", "infinite", "gone", "empty"])):
        case "name":
            tensors[draw(st.sampled_from(["", "x", "../x", "x/1/codes", "💥", "-1/codes"]))] = (
                tensor
            )
        case "shape":
            size = draw(st.integers(0, 5))
            tensors[name] = torch.zeros([size] * draw(st.integers(0, 3)), dtype=tensor.dtype)
        case "type":
            kinds = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
            tensors[name] = tensor.to(draw(st.sampled_from(kinds)))
        case "nan":
            tensors[name] = torch.full_like(tensor.float(), torch.nan)
        case "infinite":
            tensors[name] = torch.full_like(tensor.float(), -torch.inf)
        case "empty":
            tensors = {}
    return tensors


@st.composite
def damaged(draw, content):
    """A file of tensors that is spoilt, or one of other tensors."""
    if draw(st.booleans()):
        return draw(spoilt(content))
    return save(drawn_tensors(draw, load(content)), draw(st.none() | st.just({"checksum": "0"})))


def shared_images():
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (12, 1, 4, 4), generator=draws).byte()
    labels = (torch.arange(12) % 3).byte()
    return Images(images[:8], labels[:8], images[8:], labels[8:])


@cache
def files_of_a_run():
    """The bytes of a small run's weights, snapshots and images."""
    images = shared_images()
    model = build("beta_vae", latent_dim=2, shape=(1, 4, 4), hidden=3)
    snapshots = {"0/codes": torch.zeros(4, 2), "1/codes": torch.ones(4, 2)}
    snapshots["1/samples"] = images.test_images
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    stored = save(images.tensors(), {"checksum": checksum(images)})
    return {"weights": save(weights), "snapshots": save(snapshots), "images": stored}


@pytest.fixture
def a_run(tmp_path):
    """The files of an untrained run."""
    files = Layout("digits").run("beta_vae/x/seed=0")
    files = type(files)(tmp_path / "run", tmp_path / "state")
    files.folder.mkdir()
    settings = {"model": "beta_vae", "hyperparameters": {"latent_dim": 2, "hidden": 3}}
    write_config(files, settings, **{"image shape": [1, 4, 4]})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 1})
    seal(files)
    return files


@given(damaged(files_of_a_run()["weights"]))
@cases(60)
def test_damaged_weights(a_run, content):
    a_run.weights.write_bytes(content)
    seal(a_run)

    def use():
        model = load_model(TrainedRun(a_run))
        assert all(value.isfinite().all() for value in model.state_dict().values())
        assert LoadedModel(model).encode(shared_images().test_images.numpy()).shape == (4, 2)

    end_of("weights", use, "weights.safetensors: is damaged")


@given(damaged(files_of_a_run()["snapshots"]))
@cases(40)
def test_damaged_snapshots(a_run, content):
    a_run.snapshots.write_bytes(content)
    seal(a_run)

    def use():
        run = TrainedRun(a_run)
        run.last("codes")
        assert all(epoch >= 0 for epoch in run.over_epochs("codes"))

    end_of("snapshots", use, "snapshots.safetensors: is damaged")


@given(damaged(files_of_a_run()["images"]))
@cases(40)
def test_damaged_images(tmp_path, content):
    path = tmp_path / "images.safetensors"
    path.write_bytes(content)
    words = "images.safetensors: is damaged"
    if end_of("images", lambda: load_images(path), words) is None:
        same = load_images(path).tensors()
        assert all(torch.equal(same[name], t) for name, t in shared_images().tensors().items())

    def use():
        test = load_test_set(path)
        assert len(test.images) == len(test.labels)
        assert load_training_images(path, 3).dtype == np.uint8

    end_of("images", use, words)


# Tables and words of a run.

SETTINGS = {
    "model": "vae",
    "hyperparameters": {"latent_dim": 2},
    "optimizer": "adam",
    "learning_rate": 0.001,
    "epochs": 3,
    "batch_size": 100,
    "precision": "float32",
    "seed": 0,
}
TEXTS = ("config", "outcome", "history", "metrics")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """One trained run in a folder where we stand."""
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    axes = {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}
    run = {"name": "vae/x/seed=0", "entry": "vae", "axes": axes, "settings": SETTINGS}
    write_json(layout.plan, [run])
    files = layout.run("vae/x/seed=0")
    write_json(layout.description, {"sha256": "d"})
    write_config(files, SETTINGS, **{"data sha256": "d"})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 3})
    losses = {"train_loss": [3.5, 2.25, 1.5], "test_loss": [3.75, 2.5, 2.0]}
    pd.DataFrame({"epoch": [1, 2, 3], **losses}).to_csv(files.history, index=False)
    seal(files)
    write_json(files.metrics, {"status": "finished", "epochs": 3, "min_train_loss": 1.5})
    return layout, files


@given(st.sampled_from(TEXTS), st.data())
@cases(30)
def test_damaged_words_and_tables_of_a_run(results, name, data):
    _, files = results
    path = getattr(files, name)
    good = path.read_bytes()
    path.write_bytes(data.draw(spoilt(good)))
    try:
        end_of("texts", lambda: tabulate.main("digits"), files.folder.as_posix())
        assert TrainedRun(files).ended
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
def test_a_history_cut_at_the_end_of_a_line_is_not_trusted(results, lines):
    _, files = results
    kept = files.history.read_text().splitlines(keepends=True)[:lines]
    files.history.write_text("".join(kept))
    assert end_of("texts", lambda: tabulate.main("digits"), f"{files.history}: is damaged")


def test_a_table_cut_at_the_end_of_a_line_is_not_trusted(results):
    layout, _ = results
    tabulate.main("digits")
    path = layout.tables / "runs.csv"
    assert len(read_runs(layout)) == 1
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert end_of("texts", lambda: read_runs(layout), f"{path}: is damaged")


def test_a_plan_cut_short_is_named(results):
    layout, _ = results
    content = layout.plan.read_bytes()
    for length in range(0, len(content) - 2, 25):
        layout.plan.write_bytes(content[:length])
        assert end_of("texts", lambda: tabulate.main("digits"), f"{layout.plan}: is damaged")
