"""The Flask application of the simulated cloud, and the functions that serve each part of it."""

from functools import partial

from flask import Flask

from bot.devtools.simulator.api.aibot_gateway import answer_frame
from bot.devtools.simulator.api.control_api import create_control_api
from bot.devtools.simulator.api.kf_api import create_kf_api
from bot.devtools.simulator.api.media_api import create_aibot_media_api, create_media_api
from bot.devtools.simulator.api.official_account_api import create_account_app
from bot.devtools.simulator.api.page import create_page_blueprint
from bot.devtools.simulator.api.platform_api import create_platform_api
from bot.devtools.simulator.api.sign_in import create_sign_in_api
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.servers import HttpServer, WebSocketServer


def create_app(cloud: Cloud) -> Flask:
    """The platform's calls, the control API and the page."""
    app = Flask(__name__)
    app.register_blueprint(create_media_api(cloud))
    app.register_blueprint(create_kf_api(cloud))
    app.register_blueprint(create_sign_in_api(cloud))
    app.register_blueprint(create_aibot_media_api(cloud))
    app.register_blueprint(create_platform_api(cloud))
    app.register_blueprint(create_control_api(cloud))
    app.register_blueprint(create_page_blueprint(cloud))
    return app


def serve(cloud: Cloud, port: int = 0) -> str:
    """Serve the cloud on the loopback address from a thread, until cloud.close(); returns its base URL."""
    cloud.server = cloud.server or HttpServer(create_app(cloud), port)
    return cloud.url


def serve_official_account(cloud: Cloud, port: int = 0) -> str:
    """Serve the Official Account, which has a host of its own, in the same way."""
    account = cloud.official_account
    account.server = account.server or HttpServer(create_account_app(account), port)
    return account.url


def serve_aibot(cloud: Cloud, port: int = 0) -> str:
    """Serve the smart bot's WebSocket gateway in the same way."""
    aibot = cloud.aibot
    aibot.gateway = aibot.gateway or WebSocketServer(partial(answer_frame, cloud), cloud.lock, port)
    return aibot.gateway.url
