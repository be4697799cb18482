"""The benchmark of training: what it counts, and that its implementations train."""

from implementations.task import Task
from project import ROOT
from throughput import measure, operations_per_image

VAE = Task("vae", {"latent_dim": 20}, size=200, device="cpu")


def test_operations_are_those_of_all_products_but_the_gradient_of_the_images():
    sizes = [(784, 512), (512, 512), (512, 512), (512, 40), (20, 512), (512, 512), (512, 784)]
    forward = 2 * sum(inputs * outputs for inputs, outputs in sizes)
    assert operations_per_image(VAE) == 3 * forward - 2 * 784 * 512


def test_implementations_take_turns(monkeypatch):
    monkeypatch.setattr("throughput.CONTESTANTS", ("ours", "tutorial", "ceiling"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benchmarks"))
    speeds = measure(VAE, rounds=2)
    assert set(speeds) == {"ours", "tutorial", "ceiling", "arithmetic"}
    assert all(len(values) == 2 and min(values) > 0 for values in speeds.values())
    # Nothing is faster than its own arithmetic, measured loosely here.
    assert max(speeds["ours"]) < 3 * max(speeds["arithmetic"])
