"""The quick run stays small and shows every family, and no test's CPU time goes unseen."""

import re
import subprocess
import sys
import time
from pathlib import Path

import counts
from latentgrid.grid import catalogue, reading
from latentgrid.grid.runs import planned_runs

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "config" / "quick.yaml"
# Epochs in all of the models that take most of the time, half a second to two seconds of a core for
# each; the goal is 75 CPU seconds for all trainings.
MAX_PASSES = {"conv_vae": 4, "mmd_vae": 6, "gan": 4, "vae": 32}

BURN = "import time\nwhile time.process_time() < 0.5: pass"
LEAVE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])"


def planned():
    return list(planned_runs(reading.load([QUICK])))


def test_the_quick_run_trains_no_more_than_two_minutes_allow():
    runs = planned()
    passes = dict.fromkeys(MAX_PASSES, 0)
    for run in runs:
        if run.model in passes:
            passes[run.model] += run.settings["epochs"]
    assert all(passes[model] <= most for model, most in MAX_PASSES.items()), passes
    assert len(runs) <= 20


def test_the_quick_run_shows_the_thesis_and_a_model_of_each_family():
    trained = {run.model for run in planned()}
    page = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [\w ]+ \| (`.*) \|$", page, re.M)
    families = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert {"vae", "conv_vae", "mmd_vae"} <= trained
    families = [family for family in families if family & set(catalogue.models())]
    assert len(families) == 7
    families.remove({"unet_segmentation"})  # it takes longer than all others to learn anything
    for family in families:
        assert family & trained, family


def test_the_readme_counts_the_runs_as_the_grid_does():
    runs = planned()
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"trains {len(runs)} small models" in page


def test_time_of_a_process_that_outlives_its_parent_is_counted():
    before = counts.cpu_seconds()
    subprocess.run([sys.executable, "-c", LEAVE], check=True)
    until = time.monotonic() + 60
    while counts.cpu_seconds() - before < 0.5:
        assert time.monotonic() < until, "half a second was burnt and not counted"
        time.sleep(0.1)
