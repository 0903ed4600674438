"""What a worker has been asked and not yet done, shared by the thread that reads and the one that generates.

Reading goes on while a picture is made, so that a withdrawal or the end of the stream takes effect at the next step.
"""

from __future__ import annotations

import threading
from collections import deque

from generator.errors import GeneratorCode, GeneratorError
from generator.protocol import Generate

WAITING_MAX = 64
"""Jobs that may wait; further ones are refused."""


class Jobs:
    """A bounded queue with withdrawals."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Generate] = deque()
        self._running: Generate | None = None
        self._withdrawn = False
        self._stopping = False
        self._ended = False
        self.error: GeneratorError | None = None
        """Why reading ended, if not in good order."""

    def add(self, ask: Generate) -> bool:
        """Queue a job; False if no more may wait."""
        with self._changed:
            if len(self._waiting) >= WAITING_MAX:
                return False
            self._waiting.append(ask)
            self._changed.notify_all()
            return True

    def cancel(self, job: str) -> bool:
        """Withdraw a job; True if it was still waiting, so that the caller has to answer for it."""
        with self._changed:
            if self._running is not None and self._running.job == job:
                self._withdrawn = True
            before = len(self._waiting)
            self._waiting = deque(ask for ask in self._waiting if ask.job != job)
            return len(self._waiting) < before

    def stop(self) -> None:
        """Let the running job finish and take no other."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def end(self, error: GeneratorError | None = None) -> None:
        """Nobody listens any more: give up the running job too."""
        with self._changed:
            self._stopping = self._ended = True
            self.error = error
            self._changed.notify_all()

    def take(self) -> Generate | None:
        """The next job, waiting for one; None when the worker shall exit."""
        with self._changed:
            self._running, self._withdrawn = None, False
            self._changed.wait_for(lambda: self._stopping or self._waiting)
            if self._stopping:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def check(self) -> None:
        """CANCELLED if the running job was withdrawn or the stream has ended."""
        with self._changed:
            if self._withdrawn or self._ended:
                raise GeneratorError(
                    GeneratorCode.CANCELLED, "withdrawn before it was done; ask again if you still want it"
                )
