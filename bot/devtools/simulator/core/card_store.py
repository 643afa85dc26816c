"""Cards that were sent: every person's copy, and the response codes that allow one update each."""

import copy
import secrets
from dataclasses import dataclass

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import Card, Json

CODE_TTL_SECONDS = 72 * 3600
# The platform documents no errcode for a bad response_code; a parameter error is assumed.
INVALID_CODE_ERRCODE = 40058


@dataclass
class _Code:
    task_id: str
    issued_at: float
    used: bool = False


class CardStore:
    """All cards of one app or bot, with single-use codes that expire after 72 hours."""

    def __init__(self) -> None:
        self._codes: dict[str, _Code] = {}
        self._copies: dict[tuple[str, str], Card] = {}
        self._task_ids: set[str] = set()

    def reserve_task_id(self, task_id: str | None) -> str:
        """Reserve a task_id, which must be unique within the app; a card without one gets a random one."""
        if task_id is None:
            return f"unnamed-{secrets.token_hex(8)}"
        if task_id in self._task_ids:
            raise ApiError(40058, f"task_id {task_id} is already used")
        self._task_ids.add(task_id)
        return task_id

    def add_copy(self, task_id: str, userid: str, content: Json) -> Card:
        """Store one person's copy."""
        card = Card(task_id, userid, copy.deepcopy(content))
        self._copies[task_id, userid] = card
        return card

    def issue_code(self, task_id: str, now: float) -> str:
        """A new response_code for this card."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(task_id, now)
        return code

    def redeem_code(self, code: str, now: float) -> str:
        """Use up a response_code and return the task_id; raises for an unknown, used or expired code."""
        entry = self._codes.get(code)
        if entry is None:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code unknown")
        if entry.used:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code already used")
        if now >= entry.issued_at + CODE_TTL_SECONDS:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code expired")
        entry.used = True
        return entry.task_id

    def find_copy(self, task_id: str, userid: str) -> Card | None:
        """The copy of this person, or None."""
        return self._copies.get((task_id, userid))

    def holders(self, task_id: str) -> list[str]:
        """The userids of everybody who received this card."""
        return [userid for task, userid in self._copies if task == task_id]
