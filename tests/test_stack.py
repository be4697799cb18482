"""Fused runs: each trains as if alone, whatever lies beside it, and leaves its own files."""

import contextlib
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import reading
from latentgrid.grid.runs import planned_runs, trained_by
from latentgrid.grid.stacks import spare_places, stacks
from latentgrid.jobs.devices import NEEDS_GPU
from latentgrid.stamps.code import code_of
from latentgrid.steps import train as step
from latentgrid.steps import train_stack as step_of_stack
from latentgrid.studies.records import Settings
from latentgrid.training import run as training_run
from latentgrid.training.capture import Replayed, eager
from latentgrid.training.checkpoints import Checkpoints
from latentgrid.training.loop import Training
from latentgrid.training.stack import Stack
from latentgrid.training.stacked import StackedRun, train_stack
from latentgrid.training.trial import _are_alike, try_run, try_stack
from networks import build
from project import TINY, call, contents, copy_project, write_params
from tape import tape

# How far a fused run may be from a single one after two epochs, as a share of its loss: products
# are added in another order. Adversaries enlarge that.
TOLERANCE = {"gan": 1e-2}
OF_OTHERS = 1e-4
SHARED = {"epochs": 2, "batch_size": 20, "precision": "float32"}
OWN = [
    {"optimizer": optimizer, "learning_rate": rate, "seed": seed}
    for optimizer, rates in (
        ("adam", (1e-3, 2e-4)),
        ("rmsprop", (1e-3, 2e-4)),
        ("adadelta", (1.0, 0.1)),
    )
    for rate in rates
    for seed in (0, 1)
]
SETTINGS = [SHARED | own for own in OWN]


def model_of(name, data, settings):
    return build(name, 2, data.shape, settings["seed"])


def alone(name, data, settings):
    """Train a run by itself; return its history and its state."""
    rows, training = [], Training(model_of(name, data, settings), data, settings)
    training.run(rows.append)
    return rows, training.state()


def fused(name, data, settings, width, mode=eager, left_out=()):
    """Train runs in a stack; return the history and the state of each."""
    models = [model_of(name, data, one) for one in settings]
    stack = Stack(models, data, settings, width, mode, left_out)
    histories = [[] for _ in settings]
    while stack.in_training:
        before = {place: stack.members[place].weights() for place in stack.in_training}
        for place, row in stack.next_epoch().items():
            if stack.members[place].end_epoch(row, before[place]):
                histories[place].append(row)
    return [(rows, member.state()) for rows, member in zip(histories, stack.members, strict=True)]


def assert_same_bits(first, second):
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys()
    for name, value in first[1].items():
        assert torch.equal(value, second[1][name]), name


# The computation


@pytest.mark.parametrize("name", ["vae", "mmd_vae", "conv_vae", "vae_bce", "gan", "vamp_vae"])
def test_runs_of_a_stack_are_those_of_single_trainings_within_rounding(name, few_images):
    tolerance = TOLERANCE.get(name, OF_OTHERS)
    for settings, (rows, state) in zip(
        SETTINGS, fused(name, few_images, SETTINGS, 12), strict=True
    ):
        expected, of_one = alone(name, few_images, settings)
        assert len(rows) == len(expected) == 2
        for row, other in zip(rows, expected, strict=True):
            assert row.keys() == other.keys()
            for column, value in other.items():
                scale = abs(other.get(f"{column.partition('_')[0]}_loss", value)) + abs(value)
                assert abs(row[column] - value) <= tolerance * scale, (settings, column)
        for draws in ("order", "noise"):
            assert torch.equal(state[draws], of_one[draws])


def test_every_run_of_a_stack_prepares_its_epochs_in_evaluation_mode(few_images):
    networks, modes = [model_of("vae", few_images, one) for one in SETTINGS[:2]], []
    for network in networks:
        network.before_epoch = lambda *_, network=network: modes.append(network.training)
    stack = Stack(networks, few_images, SETTINGS[:2], 2)
    stack.next_epoch()
    assert modes == [False, False]


@pytest.mark.parametrize("name", ["vae", "mmd_vae", "gan"])
def test_neighbours_and_places_change_no_bit(name, few_images):
    """A CPU computes a tensor's last numbers by other instructions; eight places leave none."""
    every = fused(name, few_images, SETTINGS[:6], 8)
    others = [5, 2, 0]
    fewer = fused(name, few_images, [SETTINGS[place] for place in others], 8)
    for found, place in zip(fewer, others, strict=True):
        assert_same_bits(found, every[place])


def test_a_stack_takes_the_same_steps_from_a_tape_as_in_python(few_images):
    settings = [one | {"kl_warm_up": 2, "epochs": 3} for one in SETTINGS[:3]]
    plain = fused("vae", few_images, settings, 4)
    taped = fused("vae", few_images, settings, 4, lambda *noise: Replayed(tape))
    for one, other in zip(plain, taped, strict=True):
        assert_same_bits(one, other)


def test_a_step_in_bfloat16_and_with_options_trains_as_alone(few_images):
    options = {"precision": "bfloat16", "weight_decay": 0.1, "schedule": "cosine", "clip_norm": 1.0}
    settings = [one | options for one in SETTINGS[:2]]
    for one, (rows, _) in zip(settings, fused("vae", few_images, settings, 3), strict=True):
        expected, _ = alone("vae", few_images, one)
        assert rows[-1]["train_learning_rate"] == expected[-1]["train_learning_rate"]
        assert rows[-1]["train_loss"] == pytest.approx(expected[-1]["train_loss"], rel=0.2)


def test_a_run_that_diverges_or_stops_early_leaves_its_neighbours_alone(few_images):
    calm = [one | {"validation": 0.2, "patience": 1, "epochs": 4} for one in SETTINGS[:2]]
    wild = calm[0] | {"learning_rate": 1e30, "optimizer": "sgd"}
    worse = calm[1] | {"learning_rate": 0.03}
    first, diverged, stopped, second = fused("ae", few_images, [calm[0], wild, worse, calm[1]], 8)
    assert len(diverged[0]) == 0
    weights = [value for name, value in diverged[1].items() if name.startswith("model/")]
    assert all(value.isfinite().all() for value in weights)
    assert 0 < len(stopped[0]) < len(first[0]) == 4
    for found, expected in zip((first, second), fused("ae", few_images, calm, 8), strict=True):
        assert_same_bits(found, expected)


def test_a_run_that_is_left_out_changes_no_bit_of_the_others_at_any_width(few_images):
    every = fused("gan", few_images, SETTINGS[:6], 6)
    fewer = fused("gan", few_images, SETTINGS[:6], 6, left_out=[0, 3, 4])
    assert [len(rows) for rows, _ in fewer] == [0, 2, 2, 0, 0, 2]
    for place in (1, 2, 5):
        assert_same_bits(fewer[place], every[place])


# The files


SNAPSHOTS = {"epochs": [0, 1, 4], "samples": 4, "manifold": 2}


SMALL = {"latent_dim": 2, "hidden": 8}


def plan_of_stack(count=6, **changes):
    return [
        {"model": "vae_bce", "hyperparameters": SMALL, "snapshots": SNAPSHOTS, "fused": 8}
        | one
        | {"epochs": 4}
        | changes
        for one in SETTINGS[:count]
    ]


@pytest.fixture(scope="module")
def images(few_images_file):
    return few_images_file


def runs_in(folder, plan):
    return [
        StackedRun(one, RunFiles(folder / f"run{n}", folder / f"state{n}"), "code")
        for n, one in enumerate(plan)
    ]


def results(runs):
    """Return of each run all that is the same in two calls: every file but that of the times."""
    left = [contents(run.files.of_stack.folder) for run in runs]
    return [{name: data for name, data in one.items() if name != "timing.json"} for one in left]


@pytest.fixture(scope="module")
def untouched(images, tmp_path_factory):
    runs = runs_in(tmp_path_factory.mktemp("untouched"), plan_of_stack())
    train_stack(runs, range(len(runs)), images, "cpu")
    return results(runs)


@pytest.fixture
def _every_epoch_is_written_down(monkeypatch):
    monkeypatch.setattr(training_run, "SECONDS_BETWEEN_CHECKPOINTS", 0)


def test_each_run_has_files_like_those_of_a_single_training(untouched, images, tmp_path):
    settings = plan_of_stack()[0]
    files = RunFiles(tmp_path / "run", tmp_path / "state")
    training_run.train_run(settings, images, files, "cpu", "code")
    assert untouched[0].keys() == contents(files.folder).keys() - {"timing.json"}
    config = json.loads(untouched[0]["config.json"])
    assert config == json.loads(files.config.read_text())
    assert config["settings"]["fused"] == 8
    for n, files_of_run in enumerate(untouched):
        assert json.loads(files_of_run["outcome.json"])["status"] == "finished"
        assert json.loads(files_of_run["config.json"])["settings"] == plan_of_stack()[n]


def test_one_run_of_a_stack_is_trained_again_to_the_same_bits(untouched, images, tmp_path):
    runs = runs_in(tmp_path, plan_of_stack())
    train_stack(runs, [4], images, "cpu")
    assert results(runs[4:5]) == untouched[4:5]
    assert not any(run.files.state.exists() for run in (*runs[:4], runs[5]))


class Unplugged(BaseException):
    """The plug is pulled: nothing catches this."""


@pytest.mark.usefixtures("_every_epoch_is_written_down")
@pytest.mark.parametrize("written", [2, 6, 8, 13])
def test_a_stack_goes_on_after_the_last_epoch_that_all_runs_have(
    untouched, images, tmp_path, monkeypatch, written
):
    """Six checkpoints are an epoch: the plug is pulled between those of two runs, too."""
    runs, honest, count = runs_in(tmp_path, plan_of_stack()), Checkpoints.keep, iter(range(100))

    def keep(self, *kept):
        if next(count) == written:
            raise Unplugged
        honest(self, *kept)

    with monkeypatch.context() as patch, pytest.raises(Unplugged):
        patch.setattr(Checkpoints, "keep", keep)
        train_stack(runs, range(len(runs)), images, "cpu")
    train_stack(runs, range(len(runs)), images, "cpu")
    assert results(runs) == untouched
    whole = written // 6
    for run in runs:
        timing = json.loads(run.files.of_stack.timing.read_text())
        assert timing["continued after epochs"] == ([whole] if whole else [])


@pytest.mark.usefixtures("_every_epoch_is_written_down")
def test_sigterm_lets_a_stack_write_its_epoch_down(images, tmp_path):
    plan = plan_of_stack(epochs=1000, snapshots=SNAPSHOTS | {"epochs": [1000]})
    runs = runs_in(tmp_path, plan)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            try:
                train_stack(runs, range(len(runs)), images, "cpu")
            except KeyboardInterrupt:
                os._exit(7)
        os._exit(1)
    give_up = time.monotonic() + 60
    while not list(runs[-1].files.checkpoints.glob("checkpoint-*")):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    os.kill(child, signal.SIGTERM)
    sent = time.monotonic()
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 7
    assert time.monotonic() - sent < 10
    kept = [
        {path.name.split("-")[1] for path in run.files.checkpoints.glob("checkpoint-*")}
        for run in runs
    ]
    assert set.intersection(*kept)


def test_a_finished_run_is_not_trained_again_and_a_changed_one_is(images, tmp_path, capsys):
    runs = runs_in(tmp_path, plan_of_stack(2, epochs=1, snapshots=SNAPSHOTS | {"epochs": [1]}))
    train_stack(runs, range(len(runs)), images, "cpu")
    before = results(runs)
    assert "epoch 1/1, runs: 2" in capsys.readouterr().out
    runs[1].files.of_stack.weights.write_bytes(b"")
    train_stack(runs, range(len(runs)), images, "cpu")
    assert "epoch 1/1, runs: 1" in capsys.readouterr().out
    assert results(runs) == before


# The plan


def planned(width, **changes):
    raw = json.loads(json.dumps(TINY)) | {"seeds": [0, 1], "figures": []} | changes
    raw["training"]["fused"] = width
    raw["models"]["vae"]["learning_rate"] = [0.001, 0.002]
    raw["models"]["pca"] = {"latent_dim": 2}
    return planned_runs(reading.check(raw, "params.yaml"))


def test_the_width_is_a_setting_where_runs_are_fused_and_changes_no_name():
    single, stacked = planned(1), planned(3)
    assert [run.name for run in single] == [run.name for run in stacked]
    assert not any("fused" in run.settings for run in single)
    for run in stacked:
        assert run.settings.get("fused") == (None if run.model == "pca" else 3)
        by = "run" if run.model == "pca" else "stacked"
        assert trained_by(run.settings)[0] == f"latentgrid.training.{by}"


def test_runs_that_differ_in_optimizer_rate_and_seed_fill_stacks_in_their_order():
    assert stacks(planned(1)) == {}
    found = list(stacks(planned(3)).values())
    names = [run.name for run in planned(3)]
    assert found == [names[:3], names[3:4], names[4:6]]
    assert stacks(planned(3)).keys() == stacks(planned(3)).keys()
    assert spare_places(3, stacks(planned(3))) == ""
    assert "has 9 places and no more than" in spare_places(9, stacks(planned(9)))
    assert spare_places(1, stacks(planned(1))) == ""


def test_how_runs_are_computed_is_no_option_that_a_study_would_have_to_name():
    settings = plan_of_stack()[0] | {"schedule": "cosine"}
    assert Settings(**settings).options == {"schedule": "cosine"}
    assert Settings(**settings).identity["fused"] == 8


@pytest.mark.parametrize(("model", "accepted"), [("vae_bce", True), ("wgan", False)])
def test_a_model_is_tried_in_a_stack_before_any_job(model, accepted):
    settings = plan_of_stack(1, model=model)[0]
    if accepted:
        try_run("a", settings, Size(60, 20, (1, 8, 8), 10))
    else:
        with pytest.raises(UserError, match=r"^a: training.fused: found 8, and .*; set it to 1$"):
            try_run("a", settings, Size(60, 20, (1, 8, 8), 10))


def test_a_loss_close_to_zero_is_no_reason_to_refuse_a_model():
    network = {"network": "conv", "channels": 32, "generator_loss": "minimax"}
    adam = {"optimizer": "adam_gan", "learning_rate": 0.0002}
    settings = plan_of_stack(1, model="gan", **adam)[0]
    try_stack(
        "a",
        settings | {"hyperparameters": {"latent_dim": 64, **network}},
        Size(60_000, 10_000, (1, 28, 28), 10),
    )


def test_a_stack_with_another_loss_is_refused():
    with pytest.raises(UserError, match=r"^its kl is 0\.02, and 0\.0195 alone$"):
        _are_alike([{"loss": 90.0, "kl": 0.02}], [{"loss": 90.0, "kl": 0.0195}])


# The steps


RUN = "vae_bce/latent_dim=2/seed=0"


@pytest.fixture
def project(images, tmp_path, monkeypatch):
    """A folder with images, a plan of one run, and what its stack left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    layout = Layout("few")
    layout.images.parent.mkdir(parents=True)
    layout.images.symlink_to(images)
    settings = plan_of_stack(1, epochs=1, snapshots=SNAPSHOTS | {"epochs": [1]})[0]
    write_json(layout.plan, [{"name": RUN, "settings": settings}])
    digest = code_of(*trained_by(settings)).digest
    files = layout.run(RUN)
    train_stack([StackedRun(settings, files, digest)], [0], layout.images, "cpu")
    told = json.loads(files.of_stack.config.read_text())
    write_json(layout.description, {"sha256": told["data sha256"]})
    return layout


def test_a_runs_own_job_takes_what_the_stack_left(project):
    files = project.run(RUN)
    left = contents(files.of_stack.folder)
    step.main("few", RUN)
    assert contents(files.folder) == left
    assert not files.state.exists()


def missing(layout):
    layout.run(RUN).of_stack.outcome.unlink()


def cut_short(layout):
    layout.run(RUN).of_stack.weights.write_bytes(b"")


def other_data(layout):
    write_json(layout.description, {"sha256": "0" * 64})


def other_settings(layout):
    plan = json.loads(layout.plan.read_text())
    plan[0]["settings"]["learning_rate"] = math.pi
    write_json(layout.plan, plan)


@pytest.mark.parametrize("spoil", [missing, cut_short, other_data, other_settings])
def test_a_run_is_never_trained_by_itself_where_its_stack_left_something_else(project, spoil):
    spoil(project)
    with pytest.raises(UserError, match="is not what its stack is to leave for this run"):
        step.main("few", RUN)
    assert not project.run(RUN).folder.exists()
    assert "stack" in project.run(RUN).failure.read_text()


def test_a_stack_is_refused_without_a_gpu_by_its_job(project):
    with pytest.raises(UserError) as refused:
        step_of_stack.main([RUN], [RUN], "few", project.stack("vae"))
    assert str(refused.value) == NEEDS_GPU
    assert json.loads(project.run(RUN).failure.read_text())["reason"].endswith(NEEDS_GPU)
    assert not project.stack("vae").exists()


@pytest.mark.slow
def test_fused_runs_are_refused_without_a_gpu_before_any_job(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    project = copy_project(tmp_path / "project")
    params = json.loads(json.dumps(TINY))
    params["training"]["fused"] = 2
    write_params(project, params)
    planned = call(project, "snakemake", "--cores", "1", "-n")
    assert planned.returncode == 0
    assert "train_stack" in planned.stdout + planned.stderr
    done = call(project, "snakemake", "--cores", "1")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == f"error: {NEEDS_GPU}"
    assert not (project / Layout("digits").results).is_dir()
    trains_nothing = call(project, "snakemake", "--cores", "1", str(Layout("digits").description))
    assert trains_nothing.returncode == 0
