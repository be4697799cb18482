"""Facts about the sources besides their numbers, in one place for tables, verdicts and pages.

The Snakefile reads them too, so this module imports nothing heavy.
"""

from dataclasses import dataclass
from itertools import chain

# What was published: the smallest epoch's sum of batch losses, and a silhouette of test codes.
LOSS, SILHOUETTE = "min_epoch_train_loss", "mean_silhouette_test"


@dataclass(frozen=True)
class Quantity:
    """A quantity that was published.

    Attributes:
        called: its name in a sentence.
        measured_as: the column of `runs.csv` that holds our value.
        relative, absolute: how far the mean of our runs may lie from a published number, as a share
            of the number or in its unit; fixed before the first comparison, never per row.
    """

    called: str
    measured_as: str
    relative: float = 0.0
    absolute: float = 0.0

    def tolerance(self, published: float) -> float:
        """Return how far from a published number the mean of our runs may lie, in its unit."""
        return self.relative * abs(published) + self.absolute

    @property
    def tolerance_in_words(self) -> str:
        """The tolerance in words: "2 % of a loss"."""
        share = f"{100 * self.relative:g} %" if self.relative else ""
        width = f"{self.absolute:g}" if self.absolute else ""
        return f"{' and '.join(filter(None, (share, width)))} of {self.called}"


QUANTITIES = {
    LOSS: Quantity("a loss", measured_as="min_train_batch_sum", relative=0.02),
    SILHOUETTE: Quantity("a silhouette", measured_as="silhouette", absolute=0.01),
}

SCRIPT, NO_SCRIPT, NO_SETTINGS = "published script", "no script", "settings not published"


@dataclass(frozen=True)
class Origin:
    """How a published number was obtained, as far as that is known.

    Attributes:
        open_because: why no run of ours can decide on it; empty if a run can.
        note: what a reader of a table of such numbers should know; may be empty.
    """

    open_because: str = ""
    note: str = ""


ORIGINS = {
    SCRIPT: Origin(),
    NO_SCRIPT: Origin(
        open_because="the published script trains no such model",
        note="The script published for this table holds no training loop, so these figures have no "
        "reference run.",
    ),
    NO_SETTINGS: Origin(open_because="units, codes and epochs not published"),
}

# Everything that was published was computed in this precision.
PRECISION = "float32"

# Source 000: the units of its losses by model. Ours are in the same units.
LOSS_UNITS = {
    r"sum over [1-9]\d* batches of batch SSE \+ published KL": ("vae", "conv_vae"),
    r"sum over [1-9]\d* batches of pixel-mean squared error \+ MMD": ("mmd_vae",),
}
MODELS_000 = tuple(chain(*LOSS_UNITS.values()))
AXES_000 = ["latent_dim", "optimizer", "learning_rate"]
# Source 000's name of its Adam, and ours, as our `adam` counts one step for all parameters.
ADAM, ADAM_000 = "adam", "adam_000"
