"""bfloat16 on a CPU without instructions for it is warned of before anything starts."""

import pytest

from latentgrid.jobs import devices
from project import TINY, call, copy_project, write_params

OLD = "processor\t: 0\nflags\t\t: fpu sse avx2 fma avx512f\nbugs\t\t:\n"
NEW = OLD.replace("avx512f", "avx512f avx512_bf16")
ARM = "processor\t: 0\nFeatures\t: fp asimd i8mm bf16\n"
WARNING = (
    "precision: 2 runs in bfloat16, for which this machine's CPU has no instructions: they take "
    "several times as long as in float32 (docs/performance.md)"
)
BOTH = ["float32", "bfloat16", "bfloat16"]


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    """Write what the kernel says of the CPU; there is no GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(devices, "CPU", tmp_path / "cpuinfo")
    return (tmp_path / "cpuinfo").write_text


def test_a_cpu_without_the_instructions_is_slow(cpu):
    cpu(OLD)
    assert devices.slow_bfloat16(BOTH, "auto") == WARNING
    assert devices.slow_bfloat16(BOTH, "cpu") == WARNING
    assert devices.slow_bfloat16(["bfloat16"], "cpu").startswith("precision: 1 run in bfloat16")
    assert devices.slow_bfloat16(["float32"], "cpu") == ""


@pytest.mark.parametrize("known", [NEW, ARM])
def test_one_with_them_is_not(cpu, known):
    cpu(known)
    assert devices.slow_bfloat16(BOTH, "cpu") == ""


def test_what_is_not_known_is_not_said(cpu):
    assert devices.slow_bfloat16(BOTH, "cpu") == ""
    cpu("processor: 0\n")
    assert devices.slow_bfloat16(BOTH, "cpu") == ""


def test_a_gpu_is_not_slow(cpu, monkeypatch):
    cpu(OLD)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert devices.slow_bfloat16(BOTH, "auto") == ""
    assert devices.slow_bfloat16(BOTH, "cpu") == WARNING


@pytest.mark.slow
def test_plan_and_workflow_say_so_before_anything_starts(tmp_path):
    """On a machine whose kernel says so; a network that does not fit ends both at once."""
    project = copy_project(tmp_path / "project")
    module = project / "src/latentgrid/jobs/devices.py"
    (tmp_path / "cpuinfo").write_text(OLD)
    there, here = f'"{devices.CPU}"', f'"{tmp_path / "cpuinfo"}"'
    assert there in module.read_text()
    module.write_text(module.read_text().replace(there, here))
    unfit = {"latent_dim": 2, "hidden": 2**31 - 1, "optimizer": "adam", "learning_rate": 0.001}
    models = {"vae_bce": unfit | {"precision": ["bfloat16", "float32"]}}
    write_params(project, TINY | {"models": models, "figures": []})
    for command in (("latentgrid", "plan"), ("snakemake", "--cores", "1")):
        said = call(project, *command)
        assert said.returncode != 0
        assert said.stderr.count("precision: 1 run in bfloat16, for which") == 1
        warned, unfit_found = said.stderr.index("1 run in"), said.stderr.index("2147483647")
        assert warned < unfit_found, command
