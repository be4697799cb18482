"""Training: the same bits every time, honest sums, and what is left when it goes wrong."""

import csv
import json
import math
import subprocess
import sys

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file
from torch import nn

from latentgrid import models
from latentgrid.data import Images, checksum, load_images, to_unit_interval
from latentgrid.errors import UserError
from latentgrid.files.atomic import sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue
from latentgrid.randomness import random_generator, seed_of
from latentgrid.stamps.code import code_of
from latentgrid.steps.train import main
from latentgrid.training.loop import Training, evaluate
from latentgrid.training.run import as_csv, train_run
from latentgrid.training.snapshots import snapshot, unit_square
from networks import build

every_model = pytest.mark.parametrize("name", catalogue.models())


def fit(data, name="vae", latent_dim=3, learning_rate=1e-3, optimizer="adam", **settings):
    """Train and return the outcome, the rows of the history and the weights."""
    chosen = {"optimizer": optimizer, "learning_rate": learning_rate}
    settings = (
        {"epochs": 2, "batch_size": 20, "precision": "float32", "seed": 0} | chosen | settings
    )
    model = build(name, latent_dim, data.shape, settings["seed"])
    return *fit_model(model, data, settings), model.state_dict()


def fit_model(model, data, settings):
    rows = []
    settings = {"optimizer": "adam", "learning_rate": 0.1} | settings
    outcome = Training(model, data, settings).run(rows.append)
    assert [row["epoch"] for row in rows] == list(range(1, outcome.epochs + 1))
    return outcome, rows


def same_bits(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# Randomness


def test_streams_are_set_by_seed_and_purpose_alone():
    seeds = {seed_of(seed, purpose) for seed in range(50) for purpose in ("order", "noise")}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, "1/order") != seed_of(11, "/order")
    first, again = (torch.rand(5, generator=random_generator(3, "noise")) for _ in range(2))
    assert torch.equal(first, again)


# The loop


@every_model
def test_the_same_settings_give_the_same_bits(name, few_images):
    torch.manual_seed(1)
    outcome, history, weights = fit(few_images, name)
    torch.manual_seed(2)
    _, again, weights_again = fit(few_images, name)
    _, other, other_weights = fit(few_images, name, seed=1)
    assert outcome.epochs == 2
    assert not outcome.diverged
    assert len(outcome.seconds) == 2
    assert history == again
    assert same_bits(weights, weights_again)
    if not models.load(name).closed_form:
        assert history != other
        assert not same_bits(weights, other_weights)


def test_every_epoch_is_prepared_in_evaluation_mode(few_images):
    model, modes = build("vae", 3, few_images.shape), []
    model.before_epoch = lambda epoch, images, rng: modes.append(model.training)
    settings = {"epochs": 2, "batch_size": 20, "precision": "float32", "seed": 0}
    fit_model(model, few_images, settings | {"learning_rate": 1e-3})
    assert modes == [False, False]


def test_more_epochs_go_on_from_the_same_history(few_images):
    _, short, _ = fit(few_images, epochs=2)
    _, long, _ = fit(few_images, epochs=4)
    assert long[:2] == short
    assert [row["epoch"] for row in long] == [1, 2, 3, 4]


def test_training_lowers_the_loss(few_images):
    for optimizer, rate in (("adam", 1e-3), ("rmsprop", 1e-3), ("adadelta", 1.0)):
        _, history, _ = fit(few_images, optimizer=optimizer, learning_rate=rate, epochs=4)
        assert history[-1]["train_loss"] < 0.8 * history[0]["train_loss"], optimizer


@every_model
def test_the_loss_is_made_of_its_terms(name, few_images):
    _, history, _ = fit(few_images, name)
    model = build(name, shape=few_images.shape)
    for row in history:
        for part in ("train", "test"):
            means = {term: torch.tensor(row[f"{part}_{term}"]).double() for term in model.terms}
            assert row[f"{part}_loss"] == pytest.approx(model.loss(means).item(), rel=1e-5)
            assert all(map(math.isfinite, means.values()))
    sums = set() if model.closed_form else {"train_batch_sum", "train_batch_sum_corrected"}
    assert set(history[0]) == sums | {"epoch"} | {
        f"{part}_{name}" for part in ("train", "test") for name in ("loss", *model.terms)
    }


@pytest.mark.parametrize("d", [2, 50])
@pytest.mark.parametrize(
    ("batch_size", "batches"), [(20, (20, 20, 20, 10)), (69, (69, 1)), (500, (70,))]
)
def test_the_sum_of_batch_losses_counts_d_once_a_batch(few_images, d, batch_size, batches):
    _, history, _ = fit(few_images, latent_dim=d, batch_size=batch_size)
    for row in history:
        bound = sum(batches) * row["train_loss"]
        surplus = sum((n - 1) * d / 2 for n in batches)
        assert row["train_batch_sum"] == pytest.approx(bound + surplus, rel=1e-6)
        assert row["train_batch_sum_corrected"] == pytest.approx(bound, rel=1e-6)


def test_the_sum_of_batch_losses_of_mmd_vae_is_a_sum_of_means(few_images):
    _, history, _ = fit(few_images, "mmd_vae", batch_size=10)
    for row in history:
        assert row["train_batch_sum"] == pytest.approx(7 * row["train_loss"], rel=1e-6)
        assert row["train_batch_sum_corrected"] == row["train_batch_sum"]


def test_test_losses_are_those_of_the_weights_after_the_epoch(few_images):
    _, history, weights = fit(few_images)
    model = models.load("vae")(few_images.shape, latent_dim=3)
    model.load_state_dict(weights)
    shown = few_images.test_images, few_images.test_labels
    losses = evaluate(model, *shown, 20, random_generator(0, "test"))
    assert {f"test_{name}": value for name, value in losses.items()}.items() <= history[-1].items()


class Recorder(models.Model):
    """Notes the images it sees, each of which is one pixel; its loss is `value(calls so far)`."""

    terms = {"good": "", "bad": ""}  # noqa: RUF012

    def __init__(self, value=lambda call: 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.value = value
        self.seen = []

    def losses(self, batch, generator):
        images = batch.images
        if self.training:
            self.seen.append([round(255 * pixel) for pixel in images.flatten().tolist()])
        bad = self.value(len(self.seen)) if self.training else 1.0
        return {
            "good": torch.ones(len(images)),
            "bad": bad * self.weight.square().expand(len(images)),
        }


def pixels(n):
    images = torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1, 1)
    return Images(images, images.flatten(), images[:2], images[:2].flatten())


def orders(seed=0, batch_size=6, learning_rate=0.1):
    """The images that each epoch of three showed, in order."""
    model = Recorder()
    settings = {"epochs": 3, "batch_size": batch_size, "precision": "float32", "seed": seed}
    fit_model(model, pixels(20), settings | {"learning_rate": learning_rate})
    shown = [pixel for batch in model.seen for pixel in batch]
    assert max(map(len, model.seen)) == min(batch_size, 20)
    return [shown[start : start + 20] for start in (0, 20, 40)]


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own():
    epochs = orders()
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3
    assert list(range(20)) not in epochs


def test_the_seed_alone_sets_the_order():
    assert orders() == orders(batch_size=20) == orders(learning_rate=1e-4)
    assert orders() != orders(seed=1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_training_at_the_last_good_epoch(value):
    """Four batches an epoch; the term `bad` goes wrong in the last batch of epoch 3."""
    settings = {"epochs": 5, "batch_size": 5, "precision": "float32", "seed": 0}
    good = Recorder()
    _, expected = fit_model(good, pixels(20), settings | {"epochs": 2})

    model = Recorder(lambda call: value if call == 12 else 1.0)
    outcome, history = fit_model(model, pixels(20), settings)
    assert outcome.epochs == 2
    assert "epoch 3" in outcome.diverged
    assert "train_bad" in outcome.diverged
    assert str(value) in outcome.diverged
    assert history == expected
    assert same_bits(model.state_dict(), good.state_dict())
    assert torch.isfinite(model.weight).all()


def test_a_test_loss_that_is_not_finite_ends_training_too():
    class FailsOnTest(Recorder):
        def losses(self, batch, generator):
            found = super().losses(batch, generator)
            if not self.training and len(self.seen) > 4:
                found["bad"] = found["bad"] * math.nan
            return found

    model = FailsOnTest()
    outcome, history = fit_model(
        model, pixels(20), {"epochs": 3, "batch_size": 5, "precision": "float32", "seed": 0}
    )
    assert outcome.epochs == len(history) == 1
    assert "test_bad" in outcome.diverged


@pytest.mark.parametrize("name", ["vae", "conv_vae"])
def test_a_learning_rate_of_a_million_diverges(name, few_images):
    outcome, history, weights = fit(few_images, name, learning_rate=1e6)
    assert outcome.diverged.endswith("in epoch 1")
    assert (outcome.epochs, history) == (0, [])
    model = models.load(name)(few_images.shape, latent_dim=3)
    model.initialise(random_generator(0, "weights"))
    assert same_bits(weights, model.state_dict())


# Snapshots


def test_unit_square_run_through_the_unit_square_from_the_upper_left():
    quartile = 0.6744897501960817  # Φ⁻¹(¾)
    expected = quartile * torch.tensor([[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    model = build("vae", latent_dim=2)
    torch.testing.assert_close(model.quantile(unit_square(2)), expected)
    assert unit_square(16).shape == (256, 2)
    assert model.quantile(unit_square(64)).isfinite().all()


def test_a_snapshot_cuts_images_to_the_range_of_bytes(few_images):
    model = build("vae", 3, few_images.shape)
    model.sample = lambda n, rng: torch.tensor([[1.2, -0.1, 1.01, 0.4]])
    taken = snapshot(model, few_images, seed=0, samples=1, manifold=2)
    assert taken["samples"].tolist() == [[255, 0, 255, 102]]


def test_a_snapshot_holds_what_the_model_can_show(few_images):
    model = models.load("vae")(few_images.shape, latent_dim=2)
    model.initialise(random_generator(0, "weights"))
    taken = snapshot(model, few_images, seed=5, samples=4, manifold=3)
    images = to_unit_interval(few_images.test_images)

    def as_bytes(values):
        return (values * 255).round().to(torch.uint8)

    with torch.no_grad():
        decoded = model.decode(model.encode(images))
        expected = {
            "squared_error": (decoded - images).square().flatten(1).sum(dim=1),
            "samples": as_bytes(model.sample(4, random_generator(5, "samples"))),
            "codes": model.encode(images),
            "reconstructions": as_bytes(model.decode(model.encode(images)[:20])),
            "manifold": as_bytes(model.decode(model.quantile(unit_square(3)))),
        }
    assert same_bits(taken, expected)
    wide = models.load("vae")(few_images.shape, latent_dim=3)
    assert "manifold" not in snapshot(wide, few_images, seed=5, samples=4, manifold=3)


# The training step, as Snakemake runs it


def settings_of(**changes):
    return {
        "model": "vae",
        "hyperparameters": {"latent_dim": 2},
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "epochs": 2,
        "batch_size": 100,
        "precision": "float32",
        "snapshots": {"epochs": [0, 2], "samples": 4, "manifold": 3},
        "seed": 0,
    } | changes


LAYOUT = Layout("digits")
NAME = "a/b/seed=0"


def start(settings, images, files, device="cpu"):
    """Begin the job in a project that plans this one run."""
    project = files.folder.parents[len(LAYOUT.run(NAME).folder.parts) - 1]
    (project / LAYOUT.data).mkdir(parents=True, exist_ok=True)
    (project / LAYOUT.images).unlink(missing_ok=True)
    (project / LAYOUT.images).symlink_to(images)
    write_json(project / LAYOUT.plan, [{"name": NAME, "settings": settings}])
    options = ("--dataset", "digits", "--run", NAME, "--device", device)
    return subprocess.Popen(
        [sys.executable, "-m", "latentgrid.steps.train", *options],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def run_files(folder):
    return RunFiles(folder / LAYOUT.run(NAME).folder, folder / LAYOUT.run(NAME).state)


@pytest.fixture(scope="module")
def trained(digits_file, tmp_path_factory):
    """Three processes at once: twice the same run, and one that diverges; with what they said."""
    folder = tmp_path_factory.mktemp("trained")
    runs = {name: run_files(folder / name) for name in ("first", "again", "diverged")}
    processes = {
        name: start(
            settings_of(learning_rate=1e6 if name == "diverged" else 1e-3), digits_file, files
        )
        for name, files in runs.items()
    }
    return {name: (files, *finish(processes[name])) for name, files in runs.items()}


def test_a_training_job_writes_all_its_files_and_clears_up(trained, digits_file):
    files, status, out, err = trained["first"]
    assert (status, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert {path.name for path in files.folder.iterdir()} == {
        "config.json",
        "history.csv",
        "outcome.json",
        "snapshots.safetensors",
        "timing.json",
        "weights.safetensors",
    }
    assert not files.state.exists()

    assert json.loads(files.outcome.read_text()) == {
        "status": "finished",
        "reason": "",
        "epochs": 2,
        "sha256": {path.name: sha256(path) for path in files.results},
    }
    config = json.loads(files.config.read_text())
    assert config["settings"] == settings_of()
    assert config["parameters"] == 1_595_668
    assert config["data sha256"] == load_images(digits_file).checksum
    assert config["device"] == "cpu"
    assert config["libraries"]["torch"] == torch.__version__.partition("+")[0]
    assert len(json.loads(files.timing.read_text())["seconds per epoch"]) == 2

    snapshots = load_file(files.snapshots)
    assert {name: tuple(tensor.shape) for name, tensor in snapshots.items()} == {
        f"{epoch}/{name}": shape
        for epoch in (0, 2)
        for name, shape in {
            "samples": (4, 1, 28, 28),
            "codes": (360, 2),
            "squared_error": (360,),
            "reconstructions": (20, 1, 28, 28),
            "manifold": (9, 1, 28, 28),
        }.items()
    }


def test_the_files_hold_what_was_trained(trained, digits_file):
    files, *_ = trained["first"]
    data = load_images(digits_file)
    model = models.load("vae")(data.shape, latent_dim=2)
    model.load_state_dict(load_file(files.weights))
    rows = list(csv.DictReader(files.history.open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    losses = evaluate(model, data.test_images, data.test_labels, 100, random_generator(0, "test"))
    for name, value in losses.items():
        assert float(rows[-1][f"test_{name}"]) == pytest.approx(value, rel=1e-5)
    with torch.no_grad():
        codes = model.encode(to_unit_interval(data.test_images))
    torch.testing.assert_close(load_file(files.snapshots)["2/codes"], codes, rtol=1e-4, atol=1e-5)


def test_two_processes_side_by_side_write_the_same_bits(trained):
    first, again = trained["first"][0], trained["again"][0]
    for name in ("history", "weights", "snapshots", "outcome"):
        assert getattr(first, name).read_bytes() == getattr(again, name).read_bytes(), name
    configs = [json.loads(files.config.read_text()) for files in (first, again)]
    for config in configs:
        del config["code"]  # differs when somebody edits the sources while the tests run
    assert configs[0] == configs[1]


def test_more_epochs_in_another_process_start_with_the_same_bytes(trained, digits_file, tmp_path):
    torch.manual_seed(99)
    longer = run_files(tmp_path)
    train_run(settings_of(epochs=3), digits_file, longer, "cpu", "code")
    assert longer.history.read_bytes().startswith(trained["first"][0].history.read_bytes())
    assert len(longer.history.read_text().splitlines()) == 4


def test_a_run_that_diverges_says_so_and_is_no_error(trained):
    files, status, out, err = trained["diverged"]
    assert (status, err) == (0, "")
    outcome = json.loads(files.outcome.read_text())
    assert (outcome["status"], outcome["epochs"]) == ("diverged", 0)
    assert "epoch 1" in outcome["reason"]
    assert "diverged" in out
    assert files.weights.exists()
    assert files.config.exists()
    assert all(tensor.isfinite().all() for tensor in load_file(files.weights).values())
    assert not files.state.exists()


def test_a_diverged_run_shows_its_last_good_epoch(few_images, tmp_path, monkeypatch):
    """Finite in epoch 1, not in epoch 2: the snapshots end with epoch 1."""
    from safetensors.torch import save_file

    from latentgrid.models.vae import VAE

    metadata = {"checksum": checksum(few_images)}
    save_file(few_images.tensors(), tmp_path / "images", metadata=metadata)
    batches = iter(range(100))
    honest = VAE.losses

    def losses(self, images, noise):
        found = honest(self, images, noise)
        if self.training and next(batches) >= 4:
            found["kl"] = found["kl"] * math.nan
        return found

    monkeypatch.setattr(VAE, "losses", losses)
    files = run_files(tmp_path)
    train_run(settings_of(batch_size=20, epochs=5), tmp_path / "images", files, "cpu", "code")
    outcome = json.loads(files.outcome.read_text())
    assert (outcome["status"], outcome["epochs"]) == ("diverged", 1)
    snapshots = load_file(files.snapshots)
    assert {name.split("/")[0] for name in snapshots} == {"0", "1"}
    model = VAE(few_images.shape, latent_dim=2)
    model.load_state_dict(load_file(files.weights))
    with torch.no_grad():
        codes = model.encode(to_unit_interval(few_images.test_images))
    torch.testing.assert_close(snapshots["1/codes"], codes, rtol=1e-4, atol=1e-5)


def test_a_run_that_is_being_trained_is_left_alone(digits_file, tmp_path):
    files = run_files(tmp_path)
    files.state.mkdir(parents=True)
    files.live_history.write_text("of the first process")
    with FileLock(files.lock):
        status, out, err = finish(start(settings_of(), digits_file, files))
        assert (status, out) == (1, "")
        place = LAYOUT.run(NAME).folder
        assert err == f"error: {place} is being trained by another process\n"
        assert files.live_history.read_text() == "of the first process"
        assert not files.failure.exists()
        assert not files.folder.exists()


def test_a_failed_attempt_leaves_its_reason_until_the_next(digits_file, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    files = run_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    write_json(LAYOUT.plan, [{"name": NAME, "settings": settings_of(epochs=1)}])
    with pytest.raises(UserError, match="is missing"):
        main("digits", NAME, "cpu", 1)
    reason = json.loads(files.failure.read_text())["reason"]
    assert reason.startswith("UserError: ")
    assert f"{LAYOUT.images}: is missing" in reason
    assert not files.folder.exists()

    LAYOUT.data.mkdir(parents=True)
    LAYOUT.images.symlink_to(digits_file)
    main("digits", NAME, "cpu", 1)
    assert json.loads(files.outcome.read_text())["status"] == "finished"
    assert not files.state.exists()


def test_csv_reads_back_to_the_same_floats():
    rows = [{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "loss": 1e-300}]
    found = list(csv.DictReader(as_csv(rows).splitlines()))
    assert [{"epoch": int(r["epoch"]), "loss": float(r["loss"])} for r in found] == rows


# What a training job depends on


def modules_of(*roots):
    return {name.removeprefix("latentgrid.") for name in code_of(*roots).modules}


def test_a_training_depends_on_its_own_model_and_on_no_later_step():
    found = modules_of("latentgrid.training.run", "latentgrid.models.vae")
    assert {
        *(
            "data",
            "files",
            "grid.hyperparameters",
            "models",
            "models.bases.gaussian",
            "models.bases.prior",
        ),
        *("models.vae", "nets.dense", "nets.initialise", "randomness", "training.loop"),
        *("training.optimizers", "training.snapshots"),
    } <= found
    unwanted = {"figures", "report", "tracking", "evaluation", "cli", "grid.params", "jobs"}
    assert not unwanted & ({name.partition(".")[0] for name in found} | found)
    assert not [name for name in found if name.startswith("data.sources")]
    assert not {"models.conv_vae", "models.mmd_vae", "nets.conv"} & found


def test_a_convolutional_training_depends_on_the_convolutional_nets():
    found = modules_of("latentgrid.training.run", "latentgrid.models.mmd_vae")
    assert "nets.conv" in found
    assert "nets.dense" not in found


# Precision


@every_model
def test_every_model_trains_in_bfloat16_with_weights_in_single_precision(name, few_images):
    _, exact, _ = fit(few_images, name, epochs=1)
    outcome, rough, weights = fit(few_images, name, epochs=1, precision="bfloat16")
    assert not outcome.diverged
    assert all(
        not value.is_floating_point() or value.dtype != torch.bfloat16 for value in weights.values()
    )
    closed_form = models.load(name).closed_form
    assert (exact == rough) == closed_form
    assert rough[0]["test_loss"] == pytest.approx(exact[0]["test_loss"], rel=0.2, abs=0.2)
