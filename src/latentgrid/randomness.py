"""Random generators seeded by a run's seed and the purpose of the draw, never by global state.

The purpose keeps the streams apart: drawing one more sample never shifts the order of the data.
The seed alone, and not the model or its hyperparameters, starts a stream, so that runs with the
same seed see the same data order, the same noise and the same draws from the prior (common random
numbers): their difference is the model's, not the dice's.
"""

import hashlib

import torch


def seed_of(seed: int, purpose: str) -> int:
    """Return a 63-bit seed for one purpose of one run."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def random_generator(
    seed: int, purpose: str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator for one purpose of one run, on `device`."""
    return torch.Generator(device).manual_seed(seed_of(seed, purpose))
