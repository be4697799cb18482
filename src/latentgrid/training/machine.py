"""The processor that trains a run. It decides the last bits of the losses, and no setting does."""

import platform
from pathlib import Path

import torch

from latentgrid.files.atomic import read_json, write_json
from latentgrid.files.run_files import RunFiles

CPU = Path("/proc/cpuinfo")
# What tells processors apart that other bits may come from: on x86, then on ARM.
NAMING = ("model name", "cpu family", "model", "CPU implementer", "CPU part")


def this_machine() -> dict[str, str]:
    """Return the processor's name and model, and the instruction set that torch uses on it."""
    return {"cpu": _cpu(), "instructions": torch.backends.cpu.get_cpu_capability()}


def write_machine(files: RunFiles) -> None:
    """Add this machine to the times of a run that was trained here."""
    write_json(files.timing, read_json(files.timing) | {"machine": this_machine()})


def _cpu() -> str:
    if not CPU.exists():
        return platform.processor() or platform.machine()
    told: dict[str, str] = {}
    for line in CPU.read_text("utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    parts = [f"{name} {told[name]}" for name in NAMING if name in told]
    return ", ".join(parts).removeprefix("model name ") or platform.machine()
