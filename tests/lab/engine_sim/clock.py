# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one clock. Everything that takes time waits here; `speed` 60 makes a minute of the engine a second."""

from __future__ import annotations

import threading
import time


class Stopped(Exception):
    """The engine is shutting down; work over time ends here."""


class Clock:
    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._stop = threading.Event()

    @staticmethod
    def now() -> float:
        """Epoch seconds. Never scaled: the API shows real times."""
        return time.time()

    def real(self, seconds: float) -> float:
        """Real seconds for so many seconds of the engine."""
        return seconds / self.speed

    def sleep(self, seconds: float) -> None:
        """Waits `seconds` of the engine's time. Raises Stopped when the engine ends meanwhile."""
        if self._stop.wait(self.real(seconds)):
            raise Stopped

    def stop(self) -> None:
        self._stop.set()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()
