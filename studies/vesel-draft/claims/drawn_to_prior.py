"""Whether adversarial training draws the codes to the prior, under each of three posteriors."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, where
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

    The effect is what is left of the margin of 5 percentage points. The note says the shares.
    """
    plane = where(runs, model="aae", latent_dim=2)
    normal = plane[plane["prior"].fillna("normal") == "normal"] if "prior" in plane else plane
    for posterior in POSTERIORS:
        used = where(normal, posterior=posterior).dropna(subset=[SHARE] if SHARE in runs else [])
        shares = used.groupby("seed")[SHARE].mean() if SHARE in used else pd.Series(dtype=float)
        left = [100 * (MARGIN - abs(share - HELD)) for share in shares]
        note = ", ".join(f"{100 * share:.0f} %" for share in shares)
        yield Part(
            f"{posterior} posterior, d = 2: share of codes in the prior's region of 95 %",
            Effect(left, "percentage points of the margin left"),
            used,
            note=f"by seed {note} of the codes drawn for test images" if note else "",
        )
