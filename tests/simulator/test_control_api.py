"""The parts of the simulator that other processes use: the control API, the page and the program."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import requests

from bot.devtools.simulator import Cloud, serve
from bot.devtools.simulator.cloud import App


class Control:
    def __init__(self, cloud: Cloud) -> None:
        self.root = serve(cloud)
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.post(self.root + path, json=body, timeout=10, **more)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.root + path, timeout=10)


@pytest.fixture
def control(cloud: Cloud) -> Iterator[Control]:
    control = Control(cloud)
    yield control
    control.session.close()


def test_the_app_is_configured_and_returned_as_settings(control: Control, cloud: Cloud) -> None:
    answer = control.post("/sim/app", {"corp_id": "ww1", "agent_id": 7, "callback_url": "http://127.0.0.1:9/x"})
    assert answer.json()["WECOM_CORP_ID"] == "ww1"
    assert answer.json()["WECOM_API_URL"] == cloud.url
    assert (cloud.app.agent_id, cloud.app.secret) == (7, App().secret)


def test_members_and_robots_are_added(control: Control, cloud: Cloud) -> None:
    control.post("/sim/members", [{"userid": "zhao", "name": "赵", "shows_cards": False}])
    control.post("/sim/robots", {"key": "K2", "group_name": "二群", "members": ["zhao"]})
    assert cloud.phone("zhao").member.shows_cards is False
    assert cloud.group("K2").robot.members == ("zhao",)


def test_a_person_sends_and_receives_messages(control: Control, api: Any) -> None:
    sent = control.post("/sim/say", {"from": "zhangsan", "text": "早", "at": "2026-11-24T01:30:00+08:00"}).json()
    assert (sent["status"], sent["statuses"]) == (200, [200])
    api.say("早上好")
    heard = control.get("/sim/phones/zhangsan").json()["heard"]
    assert [item["text"] for item in heard] == ["早上好"]


def test_a_film_is_sent_by_upload_or_by_path(control: Control, cloud: Cloud, api: Any, tmp_path: Path) -> None:
    files = {"film": ("a.mp4", b"film one")}
    sent = control.session.post(control.root + "/sim/film", data={"from": "zhangsan"}, files=files, timeout=10).json()
    assert api.fetch(sent["media_id"]).content == b"film one"
    assert "directory" in control.post("/sim/film", {"from": "zhangsan", "path": "b.mp4"}).json()["error"]
    cloud.films_dir = tmp_path / "films"
    cloud.films_dir.mkdir()
    (cloud.films_dir / "b.mp4").write_bytes(b"film two")
    (tmp_path / "secret").write_bytes(b"")
    sent = control.post("/sim/film", {"from": "zhangsan", "path": "b.mp4"}).json()
    assert api.fetch(sent["media_id"]).content == b"film two"
    assert control.post("/sim/film", {"from": "zhangsan", "path": "../secret"}).status_code == 400


def test_a_person_sends_photos_and_files_and_opens_the_app(control: Control) -> None:
    for kind in ("photo", "file"):
        answer = control.session.post(
            f"{control.root}/sim/{kind}", data={"from": "lisi"}, files={kind: ("a.jpg", b"x")}, timeout=10
        )
        assert answer.json()["status"] == 200
    assert control.post("/sim/enter", {"from": "lisi"}).json()["msg_id"] is None


def test_a_button_is_pressed(control: Control, cloud: Cloud, api: Any, new_card: Any) -> None:
    api.send(new_card(), "template_card")
    assert control.post("/sim/press", {"from": "zhangsan", "task_id": "alert-1", "key": "ack"}).json()["status"] == 200
    assert cloud.phone("zhangsan").cards[0].pressed_keys == ["ack"]
    view = control.get("/sim/phones/zhangsan").json()["heard"][0]["card"]
    assert view["buttons"] == {"ack": "已知悉", "pass": "转交"}


def test_groups_and_counts_are_shown(control: Control, api: Any) -> None:
    api.post_in_group({"content": "催报", "mentioned_list": ["zhangsan"]})
    assert control.get("/sim/groups/KEY").json()["heard"][0]["mentioned_list"] == ["zhangsan"]
    assert control.get("/sim/state").json()["groups_heard"] == {"KEY": 1}


def test_faults_are_injected_and_cleared(control: Control, api: Any) -> None:
    control.post("/sim/faults", {"endpoint": "gettoken", "errcode": 60020, "times": 5})
    assert api.token()["errcode"] == 60020
    control.post("/sim/reset", {})
    assert api.token()["errcode"] == 0
    token = api.token()["access_token"]
    control.post("/sim/faults", {"kill_token": True, "parallel_fetch": True})
    assert api.get("getcallbackip", access_token=token).json()["errcode"] == 40014


@pytest.mark.parametrize("key", ["lose_answer", "cut_after", "wrong_bytes"])
def test_faults_keep_the_keys_that_other_programs_use(control: Control, api: Any, key: str) -> None:
    control.post("/sim/faults", {"endpoint": "getcallbackip", key: 5 if key == "cut_after" else True})
    with pytest.raises(requests.RequestException):
        api.get("getcallbackip", access_token=api.token()["access_token"]).json()


def test_records_keep_the_keys_that_other_programs_use(control: Control, cloud: Cloud, api: Any, new_card: Any) -> None:
    cloud.add_customer("wm1")
    cloud.add_follower("o1")
    api.say("早", to="zhangsan|nobody")
    notice = new_card(card_type="text_notice", card_action={"type": 1, "url": "https://example.invalid/"})
    api.post_in_group(notice, "template_card")
    violation = control.get("/sim/state").json()["complaints"][0]
    assert violation.keys() == {"at", "endpoint", "errcode", "what"}
    customer, follower = control.get("/sim/phones/wm1").json(), control.get("/sim/phones/o1").json()
    assert customer.keys() >= {"state", "refuses", "spoke_at", "told", "heard"}
    assert follower.keys() >= {"refuses", "open_until", "left", "heard"}
    assert control.get("/sim/groups/KEY").json()["heard"][0].keys() >= {"msgtype", "text", "raw", "card"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sim/say", None),
        ("/sim/say", {"from": "nobody", "text": "早"}),
        ("/sim/say", {"from": "zhangsan"}),
        ("/sim/say", {"from": "zhangsan", "text": "早", "at": "01:30"}),
        ("/sim/say", {"from": "zhangsan", "text": "早", "at": "2026-11-24T01:30:00"}),
        ("/sim/press", {"from": "zhangsan", "task_id": "none", "key": "ack"}),
        ("/sim/film", {"from": "zhangsan"}),
        ("/sim/app", {"agent_id": "7"}),
        ("/sim/app", {"encoding_aes_key": "short"}),
        ("/sim/app", {"colour": "red"}),
        ("/sim/members", ["zhangsan"]),
        ("/sim/members", [{"name": "无"}]),
        ("/sim/members", [{"userid": "a", "shows_cards": "yes"}]),
        ("/sim/robots", [{"key": "K", "members": "zhangsan"}]),
        ("/sim/faults", {"endpoint": "media/got"}),
        ("/sim/faults", {"endpoint": "media/get", "times": "3"}),
        ("/sim/nothing", {}),
    ],
)
def test_bad_input_is_answered_with_400_and_a_reason(control: Control, path: str, body: Any) -> None:
    answer = control.post(path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["/sim/phones/nobody", "/sim/groups/none"])
def test_unknown_phones_and_groups_are_not_found(control: Control, path: str) -> None:
    assert control.get(path).status_code == 404


def test_the_page_shows_one_chat_and_lists_all_without_external_links(
    control: Control, api: Any, new_card: Any
) -> None:
    api.say("<b>早</b>", to="zhangsan|nobody")
    api.send(new_card(), "template_card")
    api.post_in_group({"content": "催报"})
    chat = control.get("/?chat=member/zhangsan").text
    for words in ("张三", "夜巡群", "王领导", "&lt;b&gt;早&lt;/b&gt;", "已知悉", "不显示卡片"):
        assert words in chat
    group, refused = control.get("/?chat=group/KEY").text, control.get("/?chat=refused").text
    assert "催报" in group.partition("<main>")[2]
    assert "invaliduser nobody" in refused
    assert control.get("/").status_code == control.get("/?chat=member/gone").status_code == 200
    for page in (chat, group, refused):
        assert re.findall(r"https?://|//[a-z]", page) == []


def test_the_page_shows_what_one_has_sent_oneself(control: Control, cloud: Cloud) -> None:
    control.post("/sim/say", {"from": "zhangsan", "text": "收到"})
    control.post("/sim/location", {"from": "zhangsan"})
    cloud.callback_sender.transport = lambda _query, _body: 503
    control.post("/sim/voice", {"from": "zhangsan", "sample": "1"})
    page = control.get("/?chat=member/zhangsan").text
    assert page.count('<li class="own">') == 3
    assert "机器人没有接收（503）" in page
    assert "厂区东门" in page


def test_a_sample_film_needs_no_file(control: Control, api: Any) -> None:
    films = []
    for _ in range(2):
        sent = control.post("/sim/film", {"from": "zhangsan", "sample": "3"}).json()
        films.append(api.fetch(sent["media_id"]).content)
    assert films[0] != films[1]
    with av.open(io.BytesIO(films[0])) as film:
        assert round(film.duration / av.time_base) == 3
    assert "seconds" in control.post("/sim/film", {"from": "zhangsan", "sample": "9999"}).json()["error"]


def test_the_picture_of_a_photo_message_is_served(control: Control, cloud: Cloud) -> None:
    sent = cloud.phone("zhangsan").sends_photo(b"\xff\xd8\xff picture")
    assert control.get(f"/pictures/{sent.media_id}").content == b"\xff\xd8\xff picture"
    assert control.get("/pictures/none").status_code == 404


def test_the_program_prints_its_settings_once() -> None:
    command = [sys.executable, "-u", "-m", "bot.devtools.simulator", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline().strip() for _ in range(10)]
        try:
            settings = dict(line.split("=", 1) for line in lines[1:9])
            with requests.Session() as session:
                session.trust_env = False
                params = {"corpid": settings["WECOM_CORP_ID"], "corpsecret": settings["WECOM_APP_SECRET"]}
                answer = session.get(settings["WECOM_API_URL"] + "/cgi-bin/gettoken", params=params, timeout=10)
            assert answer.json()["errcode"] == 0
            assert len(settings["WECOM_ENCODING_AES_KEY"]) == 43
            assert "pretend-robot-key" in lines[9]
        finally:
            program.terminate()
