"""The Flask application of the pretend cloud: the platform's calls, the control API and the page."""

from typing import TYPE_CHECKING

from flask import Flask

from bot.simulator.aibot_media import create_aibot_media
from bot.simulator.control_api import create_control
from bot.simulator.kf_api import create_kf_api
from bot.simulator.media_api import create_media_api
from bot.simulator.page import create_page
from bot.simulator.platform_api import create_platform
from bot.simulator.sign_in import create_sign_in

if TYPE_CHECKING:
    from bot.simulator.cloud import Cloud


def create_app(cloud: "Cloud") -> Flask:
    """Everything the cloud answers over HTTP."""
    app = Flask(__name__)
    app.register_blueprint(create_media_api(cloud))
    app.register_blueprint(create_kf_api(cloud))
    app.register_blueprint(create_sign_in(cloud))
    app.register_blueprint(create_aibot_media(cloud))
    app.register_blueprint(create_platform(cloud))
    app.register_blueprint(create_control(cloud))
    app.register_blueprint(create_page(cloud))
    return app
