"""The checks against known values: their settings, their verdicts, and the command itself."""

import math
import sys
from pathlib import Path

import pytest

import known_values
from project import call

ROOT = Path(__file__).parents[1]
SCRIPT = "benchmarks/known_values.py"


@pytest.mark.parametrize("check", known_values.CHECKS)
def test_the_settings_of_every_check_are_valid_and_can_be_shortened(check):
    closed = check.group == "pca"
    settings = known_values.settings_of(check, None)
    assert settings["model"] == check.entry["model"]
    assert settings["epochs"] == (1 if closed else check.entry["epochs"])
    assert known_values.settings_of(check, 2)["epochs"] == (1 if closed else 2)
    assert all(known.least < known.most for known in check.known)


def test_what_lies_in_the_accepted_range_agrees():
    known = known_values.near("an error", "test_loss", 2.0, "a book", 0.25)
    assert known.accepted == "1.75 to 2.25"
    assert [known.agrees(x) for x in (1.7, 1.75, 2.25, 2.3, math.nan)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_training_is_measured_and_the_table_says_what_disagrees(capfd):
    """After one epoch of twenty, samples are much too alike; MNIST is not needed for that."""
    with pytest.raises(SystemExit) as ended:
        known_values.main(only=["gan"], epochs=1, device="cpu")
    assert ended.value.code == 1
    shown = capfd.readouterr().out.splitlines()
    row = next(line for line in shown if "standard deviation" in line).split()
    assert row[-1] == "NO"
    assert 0 < float(row[-2]) < 0.08


def test_the_command_refuses_a_check_that_does_not_exist():
    done = call(ROOT, sys.executable, SCRIPT, "--only", "gans")
    assert done.returncode == 1
    assert done.stderr == "error: --only: found gans; allowed: pca, lenet5, gan, vae, flow\n"


@pytest.mark.slow
def test_pca_on_mnist_agrees(mnist_mirror, monkeypatch, capfd):
    monkeypatch.setattr(known_values, "CHECKS", known_values.CHECKS[:1])
    known_values.main(mirror=str(mnist_mirror), only=["pca"], device="cpu")
    rows = [line for line in capfd.readouterr().out.splitlines() if "pca, d = 2" in line]
    assert [row.split()[-1] for row in rows] == ["yes", "yes"]
