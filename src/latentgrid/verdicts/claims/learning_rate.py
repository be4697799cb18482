"""The learning rates of source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.reference.facts import ADAM
from latentgrid.verdicts.claims import OF_LOSS, Part, of_000, where
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "MMD-VAE needs a higher learning rate than the other two."
SOURCE = "000, section 6.7"
LOW, HIGH = 0.0001, 0.00075


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare the two rates with Adam: the higher should suit MMD-VAE, the lower the others."""
    for model, better, worse in (
        ("mmd_vae", HIGH, LOW),
        ("vae", LOW, HIGH),
        ("conv_vae", LOW, HIGH),
    ):
        of_adam = where(of_000(runs, model), optimizer=ADAM)
        first, second = (where(of_adam, learning_rate=rate) for rate in (better, worse))
        pairs = paired(first, second, "min_train_loss", ["latent_dim"])
        yield Part(
            f"{model}: {better:g} against {worse:g}", Effect(pairs.saved, OF_LOSS), pairs.used
        )
