"""Captured steps give the bits of plain ones. A tape stands in for the CUDA graph (`tape.py`)."""

import contextlib

import pytest
import torch

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, components
from latentgrid.training.capture import Replayed, captured, cuda_graph, eager
from latentgrid.training.loop import Training
from networks import build
from tape import tape

SETTINGS = {"learning_rate": 1e-3, "precision": "float32", "batch_size": 10, "seed": 0}
OF_MODEL = {
    "gmvae": {"pretraining": 1},
    "unet_segmentation": {"channels": 4},
}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs take a GPU")


def taped(*noise):
    return Replayed(tape)


def train(name, data, mode, optimizer="adam", epochs=3, options=None, **hyperparameters):
    model = build(name, 3, data.shape, **hyperparameters).to(data.train_images.device)
    settings = SETTINGS | {"optimizer": optimizer, "epochs": epochs} | (options or {})
    history = []
    training = Training(model, data, settings, mode)
    training.run(history.append)
    return history, training.state()


def assert_same(first, second):
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys()
    for name, value in first[1].items():
        assert torch.equal(value, second[1][name]), name


@pytest.mark.parametrize("name", catalogue.models())
def test_replayed_steps_of_every_model_give_the_same_bits(name, few_images):
    hyperparameters = OF_MODEL.get(name, {})
    plain = train(name, few_images, eager, **hyperparameters)
    assert_same(plain, train(name, few_images, taped, **hyperparameters))


def test_replayed_steps_draw_new_augmentations(few_images):
    plain = train("conv_ae", few_images, eager, channels=4, augmentation="both")
    assert_same(plain, train("conv_ae", few_images, taped, channels=4, augmentation="both"))


@pytest.mark.parametrize("kind", ["coupling", "linear", "elementwise", "residual"])
def test_replayed_steps_of_every_kind_of_flow_give_the_same_bits(kind, few_images):
    settings = {"kind": kind, "hidden": 8, "epochs": 1}
    plain = train("flow", few_images, eager, **settings)
    assert_same(plain, train("flow", few_images, taped, **settings))


@pytest.mark.parametrize("optimizer", components.names("optimizers"))
def test_replayed_steps_of_every_optimizer_give_the_same_bits(optimizer, few_images):
    # The loss is a sum over the batch, on which larger steps of plain descent diverge.
    slow = {"learning_rate": 1e-5}
    plain = train("vae", few_images, eager, optimizer, options=slow)
    assert len(plain[0]) == 3
    assert_same(plain, train("vae", few_images, taped, optimizer, options=slow))


def test_a_step_is_taken_once_then_captured_then_replayed():
    done = []

    def capture(step):
        done.append("captured")
        return lambda: done.append("replayed")

    take = Replayed(capture)
    for key in ("full", "full", "last", "full"):
        take(key, lambda key=key: done.append(key))
    assert done == ["full", "captured", "replayed", "last", "replayed"]


@pytest.mark.parametrize(
    "wait", [lambda x: x.item(), lambda x: x[x > 0], lambda x: x + torch.tensor([1.0])]
)
def test_the_tape_refuses_what_a_graph_would(wait):
    with pytest.raises(RuntimeError, match="cannot be captured"):
        tape(lambda: wait(torch.ones(1)))


def test_the_tape_holds_pythons_numbers_as_a_graph_would():
    total, numbers = torch.zeros(()), iter([1, 10, 100])
    take = Replayed(tape)
    for _ in range(3):
        take("add", lambda: total.add_(next(numbers)))
    assert total.item() == 1 + 10 + 10


class FakeGraph:
    """What PyTorch does to capture a step, but for the GPU."""

    def __init__(self):
        self.generators = []
        self.captured = None

    def register_generator_state(self, generator):
        self.generators.append(generator)

    def replay(self):
        self.captured = "replayed"


def test_a_graph_draws_from_the_runs_generator_and_a_misfit_is_said_in_words(monkeypatch):
    graphs = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: graphs.append(FakeGraph()) or graphs[-1])
    monkeypatch.setattr(torch.cuda, "graph", contextlib.nullcontext)
    noise, taken = torch.Generator(), []
    replay = cuda_graph([noise], lambda: taken.append(1))
    replay()
    assert (taken, graphs[0].generators, graphs[0].captured) == ([1], [noise], "replayed")

    def waits():
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors")

    with pytest.raises(
        UserError, match=r"\(operation not permitted .* capturing\); set training.cuda"
    ):
        cuda_graph([noise], waits)


@needs_gpu
@pytest.mark.parametrize("name", catalogue.models())
def test_cuda_graphs_of_every_model_give_the_bits_of_plain_steps(name, few_images):
    on_gpu = type(few_images)(**{k: v.cuda() for k, v in few_images.tensors().items()})
    plain, replayed = (train(name, on_gpu, mode) for mode in (eager, captured))
    assert_same(plain, replayed)
