"""Whom an app message reaches (protocol sheet, section 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import App, Json, Member

MAX_USERS = 1000
MAX_PARTIES = 100


@dataclass(frozen=True)
class Recipients:
    """The members found, and what was named without reaching anybody."""

    members: tuple[Member, ...]
    invalid_user: str
    invalid_party: str
    invalid_tag: str


def check_agent_id(app: App, body: Json) -> None:
    """agentid must be the number of the app whose token is used: 41011, 40056, 301002 (sections 4 and 14)."""
    agent_id = body.get("agentid")
    if agent_id is None:
        raise ApiError(41011, "agentid missing")
    if not isinstance(agent_id, int) or isinstance(agent_id, bool):
        raise ApiError(40056, "invalid agentid, it is a number")
    if agent_id != app.agent_id:
        raise ApiError(301002, "the token belongs to another agentid")


def find_recipients(members: Mapping[str, Member], body: Json) -> Recipients:
    """Resolve touser, toparty and totag; this corp has no departments or tags, so those are always invalid."""
    users = _named(body, "touser", MAX_USERS, 82001)
    parties = _named(body, "toparty", MAX_PARTIES, 82002)
    tags = _named(body, "totag", MAX_PARTIES, 82003)
    if not users + parties + tags:
        raise ApiError(81012, "touser, toparty and totag are all empty")
    found, unknown = match_members(members, users)
    if not found:
        raise ApiError(81013, "user & party & tag all invalid")
    return Recipients(found, unknown, "|".join(parties), "|".join(tags))


def match_members(members: Mapping[str, Member], users: Iterable[str]) -> tuple[tuple[Member, ...], str]:
    """Members by userid without regard to case, each once; the unknown ones in lower case, joined by | (4)."""
    wanted = list(dict.fromkeys(user.lower() for user in users))
    if wanted == ["@all"]:
        return tuple(members.values()), ""
    by_id = {userid.lower(): member for userid, member in members.items()}
    found = tuple(by_id[user] for user in wanted if user in by_id)
    return found, "|".join(user for user in wanted if user not in by_id)


def _named(body: Json, name: str, most: int, errcode: int) -> list[str]:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} is not a text; ids are joined by |")
    ids = [item for item in value.split("|") if item]
    if len(ids) > most:
        raise ApiError(errcode, f"{name} names more than {most}")
    return ids
