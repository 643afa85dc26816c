"""A served cloud with three phones, one group and a manual clock, and a client that makes the calls of a bot."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bot.devtools.simulator import Cloud, serve


class ManualClock:
    """Unix seconds that change only by advance()."""

    def __init__(self) -> None:
        self.seconds = 1_795_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class Api:
    """The calls a bot makes, with plain requests."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.root = serve(cloud) + "/cgi-bin/"
        self.session = requests.Session()
        self.session.trust_env = False

    def token(self, **params: str) -> dict[str, Any]:
        usual = {"corpid": self.cloud.app.corp_id, "corpsecret": self.cloud.app.secret}
        return self.get("gettoken", **{**usual, **params}).json()

    def get(self, path: str, headers: dict[str, str] | None = None, **params: str) -> requests.Response:
        return self.session.get(self.root + path, params=params, headers=headers, timeout=10)

    def post(self, path: str, body: Any, **params: str) -> dict[str, Any]:
        return self.session.post(self.root + path, params=params, json=body, timeout=10).json()

    def send(self, content: Any, msgtype: str = "text", to: str = "zhangsan", **more: Any) -> dict[str, Any]:
        body = {"touser": to, "msgtype": msgtype, "agentid": self.cloud.app.agent_id, msgtype: content} | more
        return self.post("message/send", body, access_token=self.token()["access_token"])

    def say(self, text: str, to: str = "zhangsan", **more: Any) -> dict[str, Any]:
        return self.send({"content": text}, to=to, **more)

    def update(self, **body: Any) -> dict[str, Any]:
        usual = {"agentid": self.cloud.app.agent_id}
        return self.post("message/update_template_card", usual | body, access_token=self.token()["access_token"])

    def post_in_group(self, content: Any, msgtype: str = "text", key: str = "KEY") -> dict[str, Any]:
        return self.post("webhook/send", {"msgtype": msgtype, msgtype: content}, key=key)

    def upload(self, data: bytes, kind: str = "file", name: str = "a.bin", key: str | None = None) -> dict[str, Any]:
        params = {"type": kind} | ({"key": key} if key else {"access_token": self.token()["access_token"]})
        url = self.root + ("webhook/upload_media" if key else "media/upload")
        return self.session.post(url, params=params, files={"media": (name, data)}, timeout=10).json()

    def fetch(self, media_id: str | None, byte_range: str | None = None) -> requests.Response:
        headers = {"Range": byte_range} if byte_range else {}
        token = self.token()["access_token"]
        return self.get("media/get", headers, access_token=token, media_id=media_id or "")


def card(task_id: str = "alert-1", **changes: Any) -> dict[str, Any]:
    """A valid button_interaction card."""
    buttons = [{"text": "已知悉", "key": "ack"}, {"text": "转交", "key": "pass", "style": 2}]
    usual = {"card_type": "button_interaction", "task_id": task_id, "main_title": {"title": "未报"}}
    return usual | {"button_list": buttons} | changes


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cloud(clock: ManualClock) -> Iterator[Cloud]:
    with Cloud(clock) as cloud:
        cloud.add_member("zhangsan", "张三", "13800000001")
        cloud.add_member("lisi", "李四", "13800000002", shows_cards=False)
        cloud.add_member("WangLing", "王领导")
        cloud.add_robot("KEY", "夜巡群", ("zhangsan", "lisi"))
        cloud.callback_sender.transport = lambda _query, _body: 200
        yield cloud


@pytest.fixture
def api(cloud: Cloud) -> Iterator[Api]:
    api = Api(cloud)
    yield api
    api.session.close()


@pytest.fixture
def new_card() -> Any:
    return card
