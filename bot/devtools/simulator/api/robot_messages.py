"""webhook/send: a robot posts into its group."""

import base64
import binascii
import hashlib
from collections.abc import Callable

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.card_rules import check_card
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    limit_bytes,
    optional_texts,
    require_articles,
    require_object,
    require_text,
)
from bot.devtools.simulator.core.media_rules import IMAGE_MAGIC
from bot.devtools.simulator.core.records import Delivery, GroupMessage, Json, Robot

ENDPOINT = "webhook/send"
IMAGE_BYTES = 2 * 1024 * 1024


def find_robot(cloud: Cloud, key: str | None) -> Robot:
    """The robot with this key; raises 93000 for an unknown key."""
    robot = cloud.robots.get(key or "")
    if robot is None:
        raise ApiError(93000, "invalid webhook url")
    return robot


def send_robot_message(cloud: Cloud, key: str | None, body: Json) -> Json:
    """Check and post one message, at most 20 a minute; the caller holds the cloud's lock."""
    robot = find_robot(cloud, key)
    msgtype = str(body.get("msgtype"))
    reader = TEXT_READERS.get(msgtype)
    if not cloud.robot_minute_limit.allow(robot.key, cloud.now()):
        _record_delivery(cloud, robot, body, "lost")
        raise ApiError(45009, "api freq out of limit")
    if reader is None:
        raise ApiError(40008, "invalid message type")
    content = require_object(body, msgtype)
    _post(cloud, robot, body, content, reader(cloud, robot, content))
    return {}


def _post(cloud: Cloud, robot: Robot, body: Json, content: Json, text: str) -> None:
    msgtype = str(body["msgtype"])
    userids, mobiles = optional_texts(content, "mentioned_list"), optional_texts(content, "mentioned_mobile_list")
    _check_mentions(cloud, robot, msgtype, userids, mobiles)
    articles = tuple(content["articles"]) if msgtype == "news" else ()
    message = GroupMessage(cloud.now(), msgtype, text, body, userids, mobiles, articles, content.get("media_id"))
    cloud.group(robot.key).received.append(message)
    _record_delivery(cloud, robot, body, "shown")


def _check_mentions(
    cloud: Cloud, robot: Robot, msgtype: str, userids: tuple[str, ...], mobiles: tuple[str, ...]
) -> None:
    """The platform silently ignores mentions outside text messages and of people who are not in the group."""
    if msgtype != "text" and userids + mobiles:
        cloud.record_violation(ENDPOINT, 0, f"mentions in a {msgtype} message are ignored")
    if not robot.members:
        return
    mobiles_in_group = {member.mobile for member in cloud.members.values() if member.userid in robot.members}
    strangers = [name for name in userids if name not in (*robot.members, "@all")]
    strangers += [mobile for mobile in mobiles if mobile not in (*mobiles_in_group, "@all")]
    if strangers:
        cloud.record_violation(ENDPOINT, 0, f"mentions people who are not in the group: {', '.join(strangers)}")


def _record_delivery(cloud: Cloud, robot: Robot, body: Json, state: str) -> None:
    cloud.deliveries.append(Delivery(cloud.now(), ENDPOINT, robot.key, str(body.get("msgtype")), state, body))


def _read_text(_cloud: Cloud, _robot: Robot, content: Json) -> str:
    return limit_bytes(require_text(content, "content", 44004), 2048, "text.content")


def _read_markdown(_cloud: Cloud, _robot: Robot, content: Json) -> str:
    return limit_bytes(require_text(content, "content", 44004), 4096, "markdown.content", 40058)


def _read_news(_cloud: Cloud, _robot: Robot, content: Json) -> str:
    return "\n".join(f"{article['title']}\n{article['url']}" for article in require_articles(content))


def _read_media(cloud: Cloud, robot: Robot, content: Json) -> str:
    return cloud.media.find(require_text(content, "media_id", 41006), cloud.now(), robot.key).filename


def _read_image(_cloud: Cloud, _robot: Robot, content: Json) -> str:
    try:
        data = base64.b64decode(require_text(content, "base64"), validate=True)
    except binascii.Error as error:
        raise ApiError(40058, "image.base64 is not Base64") from error
    if len(data) > IMAGE_BYTES:
        raise ApiError(40009, "invalid image size")
    if not data.startswith(IMAGE_MAGIC):
        raise ApiError(40005, "invalid file type")
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != require_text(content, "md5"):
        raise ApiError(301019, "md5 mismatch")
    return ""


def _read_card(_cloud: Cloud, _robot: Robot, content: Json) -> str:
    if content.get("card_type") not in ("text_notice", "news_notice"):
        raise ApiError(40058, "a robot sends text_notice and news_notice cards only")
    check_card(content)
    return str(content.get("main_title", {}).get("title", content.get("sub_title_text", "")))


TEXT_READERS: dict[str, Callable[[Cloud, Robot, Json], str]] = {
    "text": _read_text,
    "markdown": _read_markdown,
    "markdown_v2": _read_markdown,
    "news": _read_news,
    "file": _read_media,
    "voice": _read_media,
    "image": _read_image,
    "template_card": _read_card,
}
