"""Controls of the number of active units."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import (
    Control,
    KnownRun,
    Material,
    balanced,
    labelled,
    measured,
)
from latentgrid.evaluation.measures import active_units

NAME = "active_units"
IMAGES = 100
VARIANCES = (0.0, 0.0099, 0.0101, 1.0, 4.0)
ACTIVE = 3  # of these


def controls(material: Material) -> Iterator[Control]:
    """Yield posterior means whose variances are known to be below and above the threshold."""
    signs = np.where(np.arange(IMAGES) % 2, 1.0, -1.0)
    codes = (7 + signs[:, None] * np.sqrt(VARIANCES)).astype(np.float32)
    run = KnownRun("vae", {"codes": codes})
    value = measured(active_units.measure, run, labelled(balanced(IMAGES)), NAME)
    case = f"codes 7 ± σ with σ² = {', '.join(map(str, VARIANCES))}"
    yield Control(NAME, case, ACTIVE, ACTIVE, value, "three of the variances lie above 0.01")
