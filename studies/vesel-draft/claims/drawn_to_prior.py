"""Whether adversarial training draws the codes to the prior, under each of three posteriors."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "Adversarial training draws the distribution of the codes to the prior, whatever the \
posterior: deterministic, normal, or a universal approximator."
SOURCE = "section 1.4"
POSTERIORS = ("deterministic", "gaussian", "universal")
HELD = 0.95  # of the prior's mass lies in the region in which codes are counted
MARGIN = 0.05  # fixed before any training: so far from it the share of codes may lie
SHARE = "test_within_prior"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare, for each posterior, the share of codes within the prior's region with 95 %.

    The effect is what is left of the margin of 5 percentage points. The note says the shares. A
    share of 95 % is needed and not enough: codes may be spread otherwise within the region.
    """
    for posterior in POSTERIORS:
        plane = where(of_model(runs, "aae", posterior=posterior), latent_dim=2)
        shares, left = by_seed(plane, SHARE), by_seed(_left(plane), "left")
        note = ", ".join(f"{100 * share:.0f} %" for share in shares.values)
        said = f"by seed {note} of the codes drawn for test images" if note else ""
        yield Part(
            f"{posterior} posterior, d = 2: share of codes in the prior's region of 95 %",
            Effect([*left.values], "percentage points of the margin left"),
            left.used,
            note="; ".join(filter(None, (said, left.note))),
        )


def _left(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a column `left`: how many percentage points of the margin are left.

    It is of each run, as shares on both sides of 95 % may be 95 % on average.
    """
    share = runs.reindex(columns=[SHARE])[SHARE].astype(float)
    return runs.assign(left=100 * (MARGIN - (share - HELD).abs()))
