"""The Flask application of the pretend cloud: the platform's calls, the control API and the page."""

from typing import TYPE_CHECKING

from flask import Flask

from bot.devtools.simulator.api.control_api import create_control_api
from bot.devtools.simulator.api.kf_api import create_kf_api
from bot.devtools.simulator.api.media_api import create_media_api
from bot.devtools.simulator.api.page import create_page_blueprint
from bot.devtools.simulator.api.platform_api import create_platform_api
from bot.devtools.simulator.api.sign_in import create_sign_in_api
from bot.devtools.simulator.core.aibot_media import create_aibot_media_api

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


def create_app(cloud: "Cloud") -> Flask:
    """Everything the cloud answers over HTTP."""
    app = Flask(__name__)
    app.register_blueprint(create_media_api(cloud))
    app.register_blueprint(create_kf_api(cloud))
    app.register_blueprint(create_sign_in_api(cloud))
    app.register_blueprint(create_aibot_media_api(cloud))
    app.register_blueprint(create_platform_api(cloud))
    app.register_blueprint(create_control_api(cloud))
    app.register_blueprint(create_page_blueprint(cloud))
    return app
