"""Progress and time left: a bar on a terminal, plain lines in a log."""

import sys
import time

from tqdm import tqdm


class Progress:
    """Shows the losses after each epoch: on a bar on a terminal, else as a line."""

    def __init__(self, epochs: int, done: int) -> None:
        self.epochs = epochs
        self.done = done
        self.started = time.monotonic()
        self.bar = tqdm(total=epochs, initial=done, unit="epoch", disable=not sys.stderr.isatty())

    def epoch_done(self, epoch: int, train_loss: float, test_loss: float) -> None:
        """Show the losses of an epoch that has ended; epochs count from 1."""
        losses = f"train {train_loss:.6g}, test {test_loss:.6g}"
        self.bar.set_postfix_str(losses, refresh=False)
        self.bar.update()
        if self.bar.disable:
            elapsed = time.monotonic() - self.started
            left = tqdm.format_interval(elapsed / (epoch - self.done) * (self.epochs - epoch))
            print(f"epoch {epoch}/{self.epochs}: {losses}, {left} left", flush=True)
