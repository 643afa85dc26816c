"""Who is on duty, and who stands in when nobody is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P")


@dataclass(frozen=True)
class DutyLadder(Generic[P]):
    """Whom an alert goes to, rung by rung."""

    leader: Sequence[P]
    backup: Sequence[P]
    staff: Sequence[P]
    is_substitute: bool = False

    @property
    def rungs(self) -> tuple[Sequence[P], ...]:
        """The rungs of people; the fallback addresses come after the last."""
        return (self.leader, self.backup, self.staff)


def build_duty_ladder(
    posts: Mapping[str, Sequence[P]], leaders: Sequence[P], office: Sequence[P], key: Callable[[P], int]
) -> DutyLadder[P]:
    """The ladder of a shift: nobody on the roster never means nobody is told.

    Without a leader on the roster everyone with that role is told, without any of those the office;
    without staff on the roster the whole office is the rung of the staff. Nobody is told twice.
    """
    on_roster = list(posts.get("leader", ()))
    first = on_roster or list(leaders) or list(office)
    told = {key(person) for person in first}

    def others(people: Sequence[P]) -> list[P]:
        fresh = [person for person in people if key(person) not in told]
        told.update(key(person) for person in fresh)
        return fresh

    backup = others(posts.get("backup", ()))
    return DutyLadder(first, backup, others(posts.get("staff", ()) or office), is_substitute=not on_roster)
