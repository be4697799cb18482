"""How far a run's training is."""

from latentgrid.files.locks import is_held
from latentgrid.files.run_files import RunFiles


def progress_of(files: RunFiles, epochs: int) -> tuple[int, bool]:
    """Return how many epochs of a run are done, and whether it is in training now.

    A diverged run counts as done: it will train no further.
    """
    if files.outcome.exists():
        return epochs, False
    try:
        rows = files.live_history.read_text(encoding="utf-8").count("\n") - 1
    except FileNotFoundError:
        rows = 0
    return rows, is_held(files.lock)
