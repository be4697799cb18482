"""How long source 000's trainings took, and ours."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "A training takes about an hour on average."
SOURCE = "section 6.5.2"
MODELS = ("vae", "conv_vae", "mmd_vae")
ELSEWHERE = "theirs ran on a GTX 1060, so that ours neither support nor contradict it"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Say for each model how long its recorded trainings took: hours are the ratio to an hour.

    Times of runs are in no table, as they differ from call to call; records hold theirs.
    """
    for model in MODELS:
        ours = where(of_model(runs, model), planned_epochs=50, batch_size=100)
        hours = ours.reindex(columns=["hours"])["hours"].dropna()
        said = f"no record tells a time; {ELSEWHERE}"
        if len(hours):
            count = f"{len(hours)} record{'s' if len(hours) > 1 else ''}"
            span = f"{hours.min():.2f} to {hours.max():.2f}" if len(hours) > 1 else "one machine"
            said = (
                f"ours took {hours.median():.2f} hours, the median of {count} ({span}); {ELSEWHERE}"
            )
        yield Part(f"{model}: 50 epochs", Effect([], "hours"), ours.loc[hours.index], open=said)
