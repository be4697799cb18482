"""Random generators seeded by a run's seed and the purpose of the draw, never by global state.

Each purpose has a generator of its own, so that drawing one more sample never shifts the order of
the data. Its seed depends on the run's seed and the purpose, and not on the model or its
hyperparameters. So runs with the same seed see the same data order, the same noise and the same
draws from the prior (common random numbers): their difference is the model's, not the dice's.
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
    """Return a random generator for one purpose of one run, on `device`."""
    return torch.Generator(device).manual_seed(seed_of(seed, purpose))
