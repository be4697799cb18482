"""Describes a run in five lines of markdown, MLflow's description of it."""

from urllib.parse import quote

from latentgrid.results.run_json import Config, Outcome, Timing
from latentgrid.text import duration, number

EXPLORER = "http://127.0.0.1:8000"  # where `make app` serves it


def of_run(
    name: str, folder: str, config: Config, outcome: Outcome, timing: Timing, verdict: str
) -> str:
    """Return what the run is, its loss, how it trained, its verdict, and where it comes from.

    Args:
        name: of the run.
        folder: where its files lie.
        config, outcome, timing: what the training wrote.
        verdict: on the published numbers of its setting.
    """
    shape = "×".join(map(str, config.image_shape))
    epochs = f"{outcome.epochs} epochs" if outcome.epochs != 1 else "1 epoch"
    ended = "" if outcome.is_finished else f", then {outcome.status}: {outcome.reason}"
    seconds = duration(sum(timing.seconds_per_epoch))
    return "\n".join(
        (
            f"**{config.settings['model']}**: {config.description.rstrip('.')}; {shape} pixels, "
            f"{number(config.parameters)} parameters  ",
            f"Loss: {config.total}  ",
            f"Trained: {epochs} in {seconds} on {config.device}{ended}  ",
            f"Published: {verdict}  ",
            f"Files: `{folder}`; `latentgrid why '{name}'` shows what made them; "
            f"[explore it]({EXPLORER}/?run={quote(folder)}) while `make app` runs",
        )
    )
