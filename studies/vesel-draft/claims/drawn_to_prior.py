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
        shares, used = by_seed(plane, SHARE)
        note = ", ".join(f"{100 * share:.0f} %" for share in shares)
        yield Part(
            f"{posterior} posterior, d = 2: share of codes in the prior's region of 95 %",
            Effect(
                [100 * (MARGIN - abs(share - HELD)) for share in shares],
                "percentage points of the margin left",
            ),
            used,
            note=f"by seed {note} of the codes drawn for test images" if note else "",
        )
