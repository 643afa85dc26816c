"""A page that shows the chats of every phone and group, and sends messages and presses buttons for people."""

from datetime import UTC, datetime, timedelta, timezone

from flask import Blueprint, Response, render_template, request

from bot.devtools.simulator.api.page_view import page_view
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media_rules import MAX_RANGE_BYTES

BEIJING = timezone(timedelta(hours=8))


def format_time(seconds: float) -> str:
    """Beijing time."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING).strftime("%m-%d %H:%M:%S")


def create_page_blueprint(cloud: Cloud) -> Blueprint:
    """The page at /, and the media at the address that the PicUrl of a photo message has."""
    blueprint = Blueprint("page", __name__, template_folder="templates")
    blueprint.add_app_template_filter(format_time, "beijing_time")

    @blueprint.get("/")
    def index() -> str:
        return render_template("simulator_page.html", **page_view(cloud, request.args.get("chat", "")))

    @blueprint.get("/pictures/<media_id>")
    def picture(media_id: str) -> Response:
        try:
            media = cloud.media.find(media_id, cloud.now())
        except ApiError:
            return Response("gone", 404)
        return Response(media.chunks(0, min(media.size, MAX_RANGE_BYTES)), content_type=media.content_type)

    return blueprint
