"""What a worker does beside answering, again and again, in a thread of its own."""

import logging
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


class Background:
    """Does its jobs one after the other, then pauses; until `stop`, or the end of the process."""

    def __init__(self, jobs: Sequence[Callable[[], None]], pause: float = PAUSE_SECONDS) -> None:
        """Does nothing yet.

        Args:
            jobs: what to do.
            pause: seconds between two rounds.
        """
        self._jobs, self._pause = jobs, pause
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._trouble: dict[int, str] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause):
            for number, job in enumerate(self._jobs):
                self._do(number, job)

    def _do(self, number: int, job: Callable[[], None]) -> None:
        try:
            job()
        # The thread must live on, whatever happens: it is the only way to the next snapshot.
        except Exception as error:
            said = repr(error)
            # Once, and not twice a second.
            if self._trouble.get(number) != said:
                logger.exception("a job in the background failed")
            self._trouble[number] = said
        else:
            self._trouble.pop(number, None)
