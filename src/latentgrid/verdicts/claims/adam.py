"""The best optimizer of source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.reference.facts import ADAM, MODELS_000
from latentgrid.verdicts.claims import OF_LOSS, Part, of_000, where
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "Adam trains all three models to smaller losses than RMSProp and Adadelta."
SOURCE = "000, section 6.7"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare Adam with each other optimizer, over all settings that differ in nothing else."""
    ours = of_000(runs, *MODELS_000)
    adam = where(ours, optimizer=ADAM)
    for name in ("rmsprop", "adadelta"):
        other = where(ours, optimizer=name)
        alike = ["entry", "latent_dim", "learning_rate"]
        pairs = paired(adam, other, "min_train_loss", alike)
        yield Part(f"{ADAM} against {name}", Effect(pairs.saved, OF_LOSS), pairs.used)
