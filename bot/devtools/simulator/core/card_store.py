"""Cards that are out: whose copies there are and which response codes still open them (protocol sheet, section 4.2)."""

import copy
import secrets
from dataclasses import dataclass

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import Card, Json

CODE_TTL_SECONDS = 72 * 3600
# The sheet names no number for a bad response_code; a parameter error is the safest reading.
INVALID_CODE_ERRCODE = 40058


@dataclass
class _Code:
    task_id: str
    born_at: float
    used: bool = False


class CardStore:
    """Keeps every card handed out, with single-use codes that live 72 hours."""

    def __init__(self) -> None:
        self._codes: dict[str, _Code] = {}
        self._copies: dict[tuple[str, str], Card] = {}
        self._task_ids: set[str] = set()

    def reserve_task_id(self, task_id: str | None) -> str:
        """Take a task_id into use; it must be new to the app (4.1)."""
        if task_id is None:
            return f"unnamed-{secrets.token_hex(8)}"
        if task_id in self._task_ids:
            raise ApiError(40058, f"task_id {task_id} is already used")
        self._task_ids.add(task_id)
        return task_id

    def add_copy(self, task_id: str, userid: str, content: Json) -> Card:
        """Give one person a copy."""
        card = Card(task_id, userid, copy.deepcopy(content))
        self._copies[task_id, userid] = card
        return card

    def issue_code(self, task_id: str, now: float) -> str:
        """A fresh response_code for this card."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(task_id, now)
        return code

    def redeem_code(self, code: str, now: float) -> str:
        """Use a response_code up and return the task_id; raise for an unknown, old or used one."""
        found = self._codes.get(code)
        if found is None:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code unknown")
        if found.used:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code already used")
        if now >= found.born_at + CODE_TTL_SECONDS:
            raise ApiError(INVALID_CODE_ERRCODE, "response_code expired")
        found.used = True
        return found.task_id

    def find_copy(self, task_id: str, userid: str) -> Card | None:
        """That person's copy, if it was handed to that person."""
        return self._copies.get((task_id, userid))

    def holders(self, task_id: str) -> list[str]:
        """Everybody who was handed this card."""
        return [userid for task, userid in self._copies if task == task_id]
