"""How a training ends when it is asked to: with its last epoch written down, within seconds.

Schedulers send SIGTERM and kill half a minute later; Ctrl-C sends SIGINT.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# For an epoch that is not written down yet: it is short, or it would have been.
SECONDS_TO_FINISH_AN_EPOCH = 8


class Stopped(KeyboardInterrupt):
    """The training was asked to end and has done so; the next call goes on."""


class Stop:
    """A request to end, which may come at any moment.

    Attributes:
        is_asked: whether it has come.
    """

    def __init__(self, is_written_down: Callable[[], bool]) -> None:
        """`is_written_down` tells whether the last whole epoch is on disk."""
        self.is_written_down = is_written_down
        self.is_asked = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT be the request while the block runs; an ignored one stays so."""
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
        """End here if that was asked for. Called when an epoch was written down.

        Raises:
            Stopped: it was.
        """
        if self.is_asked:
            raise Stopped

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Note the request; end at once if nothing would be lost, else after this epoch."""
        again, self.is_asked = self.is_asked, True
        if again:
            return
        if self.is_written_down():
            raise Stopped
        signal.alarm(SECONDS_TO_FINISH_AN_EPOCH)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise Stopped
