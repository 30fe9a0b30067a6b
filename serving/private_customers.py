"""Which customers a worker knows nobody of: in memory, so that neither Redis nor the disk is asked."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import msgspec

from recommender.errors import StoreUnavailable
from recommender.events.private_customers import (
    NOTHING_ASKED,
    PrivacyRegister,
    PrivacySign,
    Standing,
    Standings,
)

from .question import Question

logger = logging.getLogger(__name__)

NOBODY = ""
"""Id of a customer whom nobody knows, as no id is empty."""


class PrivateCustomers:
    """Customers who opted out or were erased, as this worker knows them.

    Attributes:
        generation: another number each time that they changed.
        watchers: called after each change, to forget what is kept of those customers: with the only one whose
            wish is another, or with None where anybody's may be.
    """

    def __init__(self, path: Path | None) -> None:
        """Nothing is read before `poll`.

        Args:
            path: file of the register, made by the first change; None where nobody can be hidden.
        """
        self.generation = 0
        self.watchers: list[Callable[[str | None], None]] = []
        self._path = path
        self._opened: PrivacyRegister | None = None
        self._seen: int | None = None
        self._sign: PrivacySign | None = None
        self._seen_sign = b""
        self._standings: Standings = NOTHING_ASKED
        # A file that cannot be read may name anybody: until it was, nobody is answered personally.
        self._unread = False
        self._reading = Lock()
        self._forget_again = 0

    def hides(self, customer_id: str) -> bool:
        """Whether nothing personal may be shown to this customer, or kept of them, as is known here."""
        if self._unread:
            return True
        standing = self._standings.of(customer_id)
        return standing is not None and standing.hidden

    def hides_now(self, customer_id: str) -> bool:
        """The same, as every worker with this state folder has said until now."""
        self.refresh()
        return self.hides(customer_id)

    def seen(self, asked: Question) -> Question:
        """The question as it is to be answered: of a hidden customer, as nobody's."""
        if asked.customer_id is None:
            return asked
        return as_nobody(asked) if self.hides_now(asked.customer_id) else asked

    def set(self, customer_id: str, standing: Standing | None) -> None:
        """Keep what a customer asked for, and heed it here at once.

        Raises:
            StoreUnavailable: it is not on disk.
        """
        self._register().set(customer_id, standing)
        self._read_again(self._register())
        self._forget(customer_id)

    def of(self, customer_id: str) -> Standing | None:
        """What this customer asked for, as it stands on disk; None for nothing.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        return self._register().of(customer_id) if self._kept() else None

    def poll(self) -> None:
        """Learn what other workers wrote, and forget what is kept of those customers."""
        try:
            # Anew each time: somebody may have put another file in its place.
            self._sign = PrivacySign(self._path) if self._path else None
        except OSError:
            self._sign = None
        self._look()
        if self._forget_again:
            self._forget_again -= 1
            self._forget(None)

    def refresh(self) -> None:
        """Learn what other workers wrote, at every request: a look at a sign in memory that they change.

        Redis could not tell: it may be emptied, and the rows of before are in our memory.
        """
        sign = self._sign.read() if self._sign is not None else None
        if (sign is None or sign != self._seen_sign) and self._look():
            self._seen_sign = sign or b""

    def _look(self) -> bool:
        """The same, from the register itself, which takes longer; whether it could be read."""
        if not self._kept():
            return True
        try:
            register = self._register()
            if self._unread or register.others_wrote() != self._seen:
                self._read_again(register)
        except StoreUnavailable as error:
            if self._seen is None and not self._unread:
                self._unread = True
                logger.error("nobody is answered personally: %s", error)
            return False
        return True

    def _read_again(self, register: PrivacyRegister) -> None:
        with self._reading:
            # Before the reading: what is written meanwhile is read once more.
            seen = register.others_wrote()
            self._standings = register.all()
            self._seen, self._unread = seen, False
            self.generation += 1
            # Twice: what a request was just reading is remembered after the first time.
            self._forget_again = 2

    def _forget(self, customer_id: str | None) -> None:
        for forget in self.watchers:
            forget(customer_id)

    def _kept(self) -> bool:
        return self._opened is not None or (self._path is not None and self._path.exists())

    def _register(self) -> PrivacyRegister:
        if self._path is None:
            raise StoreUnavailable("there is no state folder to keep customers' wishes in")
        if self._opened is None:
            self._opened = PrivacyRegister(self._path)
        return self._opened


def as_nobody(asked: Question) -> Question:
    """The same question of a customer of whom nothing is known; the cart and the place stay."""
    return msgspec.structs.replace(asked, customer_id=NOBODY, recent=(), bought_since=(), dismissed=())
