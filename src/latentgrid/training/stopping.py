"""Ends a training on SIGTERM or SIGINT, within seconds and with its last epoch on disk.

Schedulers send SIGTERM and kill the process half a minute later; Ctrl-C sends SIGINT.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# An epoch that is not on disk yet is short: a checkpoint is written every few seconds.
SECONDS_TO_FINISH_AN_EPOCH = 8


class Stopped(KeyboardInterrupt):
    """The training was asked to end and has ended; the next call resumes it."""


class Stop:
    """A request to end the training, which may come at any moment.

    Attributes:
        is_asked: whether the request has come.
    """

    def __init__(self, is_written_down: Callable[[], bool]) -> None:
        """`is_written_down` tells whether the last completed epoch is on disk."""
        self.is_written_down = is_written_down
        self.is_asked = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Treat SIGTERM and SIGINT as the request while the block runs, unless they are ignored."""
        heeded = [
            number
            for number in (signal.SIGTERM, signal.SIGINT)
            if signal.getsignal(number) is not signal.SIG_IGN
        ]
        before = {number: signal.signal(number, self._ask) for number in heeded}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _give_up)
        try:
            yield
        finally:
            signal.alarm(0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_if_asked(self) -> None:
        """Raise `Stopped` if the request has come. To be called when an epoch is on disk."""
        if self.is_asked:
            raise Stopped

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Note the request. End at once if the last epoch is on disk, else after this one."""
        again, self.is_asked = self.is_asked, True
        if again:
            return
        if self.is_written_down():
            raise Stopped
        signal.alarm(SECONDS_TO_FINISH_AN_EPOCH)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise Stopped
