"""The recipients of an app message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import App, Json, Member

MAX_USERS = 1000
MAX_PARTIES = 100


@dataclass(frozen=True)
class Recipients:
    """The members found, and the ids that matched no member, joined by |."""

    members: tuple[Member, ...]
    invalid_user: str
    invalid_party: str
    invalid_tag: str


def check_agent_id(app: App, body: Json) -> None:
    """agentid must be present (41011), a number (40056) and that of the app whose token is used (301002)."""
    agent_id = body.get("agentid")
    if agent_id is None:
        raise ApiError(41011, "agentid missing")
    if not isinstance(agent_id, int) or isinstance(agent_id, bool):
        raise ApiError(40056, "invalid agentid, it is a number")
    if agent_id != app.agent_id:
        raise ApiError(301002, "the token belongs to another agentid")


def find_recipients(members: Mapping[str, Member], body: Json) -> Recipients:
    """Resolve touser, toparty and totag; this corp has no departments or tags, so those are always invalid."""
    users = _ids(body, "touser", MAX_USERS, 82001)
    parties = _ids(body, "toparty", MAX_PARTIES, 82002)
    tags = _ids(body, "totag", MAX_PARTIES, 82003)
    if not users + parties + tags:
        raise ApiError(81012, "touser, toparty and totag are all empty")
    found, unknown = match_members(members, users)
    if not found:
        raise ApiError(81013, "user & party & tag all invalid")
    return Recipients(found, unknown, "|".join(parties), "|".join(tags))


def match_members(members: Mapping[str, Member], users: Iterable[str]) -> tuple[tuple[Member, ...], str]:
    """Members by userid, case-insensitive, without duplicates; and the unknown ids in lower case, joined by |."""
    userids = list(dict.fromkeys(user.lower() for user in users))
    if userids == ["@all"]:
        return tuple(members.values()), ""
    by_id = {userid.lower(): member for userid, member in members.items()}
    found = tuple(by_id[user] for user in userids if user in by_id)
    return found, "|".join(user for user in userids if user not in by_id)


def _ids(body: Json, name: str, max_count: int, errcode: int) -> list[str]:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} is not a text; ids are joined by |")
    ids = [item for item in value.split("|") if item]
    if len(ids) > max_count:
        raise ApiError(errcode, f"{name} has more than {max_count} ids")
    return ids
