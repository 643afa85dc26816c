"""The doctor reports each mistake in the set-up with what to do about it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from werkzeug import Response

from bot.channels.errors import Misconfigured
from bot.cli import cli
from bot.clock import wall_now
from bot.doctor import platform, storage
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX
from bot.monitoring.metrics import CALLBACKS_TOTAL
from storage.db.models import Binding, DutyShift, Enterprise, GroupChat
from storage.outages import PROCESSING
from tests.bot.parts import Edge
from tests.harness import County
from tests.places import current_place, embedded_only
from tests.sites import served, site

LONG = "0123456789abcdef" * 4


@pytest.fixture
def county(edge: Edge) -> Edge:
    """A correct installation: accounts bound, a leader on duty tonight, a live worker, the web reachable."""
    now = wall_now()
    with edge.bot.uow.transaction() as store:
        County(store, edge.cloud, now.date()).settle(enterprises=2, parts=1)
        for days in range(-2, 3):
            leader = store.register.people_with_role("值班领导")[0]
            day = (now + timedelta(days=days)).date()
            if not store.duty.people_on_shift(day)["leader"]:
                store.session.add(DutyShift(day=day, post="leader", person_id=leader.id))
        store.facts.store_fact(f"{WORKER_HEARTBEAT_PREFIX}one", {"at": now.isoformat()})
        store.outages.record_heartbeat(PROCESSING, now)
    edge.cloud.add_robot("KEY", "夜巡工作群")
    for child in list(CALLBACKS_TOTAL._metrics):
        CALLBACKS_TOTAL.remove(*child)
    return edge


def run_doctor(edge: Edge, folder: Path, **settings: str) -> tuple[int, list[str]]:
    """Exit code and lines of the command with these settings, on the database and the simulator of `edge`."""
    with served(edge.bot.web) as url:
        environment: dict[str, str | None] = dict.fromkeys([n for n in os.environ if n.startswith("WECOM_")])
        environment |= {
            **{name: str(value) for name, value in edge.cloud.settings.items()},
            **current_place().settings(folder),
            "SECRET_KEY": LONG,
            "PUBLIC_URL": url,
            "PORT": url.rpartition(":")[2],
            "ALERT_FALLBACK_URLS": "mailtos://x:y@example.org",
            "HEARTBEAT_URL": edge.cloud.url,
            **settings,
        }
        done = CliRunner().invoke(cli, ["doctor"], env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.output.splitlines()


def problems(edge: Edge, folder: Path, **settings: str) -> list[str]:
    """The lines that are not ✔."""
    return [line for line in run_doctor(edge, folder, **settings)[1] if not line.startswith("✔")]


def test_a_correct_installation_passes(county: Edge, tmp_path: Path) -> None:
    code, lines = run_doctor(county, tmp_path)
    assert (code, [line for line in lines if line.startswith("✘")]) == (0, [])
    assert [line for line in lines if line.startswith("！")] == [line for line in lines if "不是 https" in line]
    assert any("回调地址" in line and "能通" in line for line in lines)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"PORT": "eight"}, "✘ 设置 PORT"),
        ({"SECRET_KEY": ""}, "✘ 设置 SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "✘ 设置 SECRET_KEY 不对"),
        ({"WECOM_CALLBACK_TOKEN": ""}, "✘ "),
        ({"WECOM_APP_SECRET": "wrong"}, "✘ Secret 不对"),
        ({"WECOM_CORP_ID": "ww-other"}, "✘ CorpID 不对"),
        ({"WECOM_CALLBACK_TOKEN": "another"}, "✘ 按本机设置发到"),
        ({"WECOM_ENCODING_AES_KEY": "B" * 42 + "A"}, "✘ 按本机设置发到"),
        ({"WECOM_API_URL": "http://127.0.0.1:9"}, "✘ 连不上 http://127.0.0.1:9：连接被拒绝或网络不通"),
        ({"PUBLIC_URL": "http://patrol.example.invalid"}, "✘ PUBLIC_URL 是 http://patrol.example.invalid，不是 https"),
        ({"PUBLIC_URL": "https://127.0.0.1:9"}, "✘ https://127.0.0.1:9 打不开本服务"),
        ({"PUBLIC_URL": ""}, "！ PUBLIC_URL 没有填"),
        ({"ALERT_FALLBACK_URLS": ""}, "✘ 没有配置后备通道"),
        ({"HEARTBEAT_URL": ""}, "！ 没有配置外部守望"),
        ({"HEARTBEAT_URL": "http://127.0.0.1:9/key"}, "✘ 连不上外部守望 127.0.0.1"),
        ({"OBJECT_STORE_URL": "file:/proc/none"}, "✘ "),
        ({"DATABASE_URL": "postgresql+psycopg://x:word@127.0.0.1:9/none"}, "✘ "),
        ({"DATABASE_URL": "sqlite:///nowhere-yet.db"}, "✘ 数据库结构是 "),
    ],
)
def test_a_wrong_setting_is_reported(
    county: Edge, tmp_path: Path, settings: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, lines = run_doctor(county, tmp_path, **settings)
    assert any(line.startswith(expected) for line in lines), lines
    assert code == any(line.startswith("✘") for line in lines)
    assert "word" not in "".join(lines)


def test_an_untrusted_ip_address_is_named(county: Edge, tmp_path: Path) -> None:
    county.cloud.faults.inject("getcallbackip", errcode=60020)
    assert any("不在“企业可信IP”" in line for line in problems(county, tmp_path))
    expected = "errcode 60020: not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at …"
    result = platform.credentials_failure(Misconfigured(expected, 60020))
    assert result.text.startswith("本机出口地址 203.0.113.7 不在“企业可信IP”")


def test_a_public_url_of_another_service_is_reported(county: Edge, tmp_path: Path) -> None:
    with site(lambda request: Response("welcome to nginx")) as other:
        assert any(f"{other.url} 打不开本服务" in line for line in problems(county, tmp_path, PUBLIC_URL=other.url))


def test_a_proxy_that_drops_the_query_is_reported(county: Edge, tmp_path: Path) -> None:
    def proxy(request: Any) -> Response:
        answer = county.client.get(request.path)
        return Response(answer.data, status=answer.status_code, mimetype=answer.mimetype)

    with site(proxy) as other:
        assert any("反向代理是否原样转发" in line for line in problems(county, tmp_path, PUBLIC_URL=other.url))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("signature", "核对后台的 Token"),
        ("padding", "核对后台的 EncodingAESKey"),
        ("foreign_corp", "WECOM_ACCEPTED_CORP_IDS"),
    ],
)
def test_callbacks_that_are_always_refused_are_reported(
    county: Edge, tmp_path: Path, reason: str, expected: str
) -> None:
    CALLBACKS_TOTAL.labels("wecom_app", reason).inc(3)
    assert any(expected in line and "3 个" in line for line in problems(county, tmp_path))
    CALLBACKS_TOTAL.labels("wecom_app", "stored").inc()
    assert not any(expected in line for line in problems(county, tmp_path))


def change(edge: Edge, *rows: Any, **queries: Any) -> None:
    with edge.bot.uow.transaction() as store:
        for row in rows:
            store.session.add(row)
        for statement in queries.values():
            store.session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("update enterprise set status='注销'", "✘ 登记册里有 0 家企业"),
        ("delete from binding", "✘ 值班领导"),
        ("delete from duty_shift", "！ "),
        ("update group_chat set robot_key=null", "没有填机器人key"),
        ("update group_chat set robot_key='NO-SUCH-KEY'", "不可用"),
        ("update alembic_version set version_num='0000'", "✘ 数据库结构是 0000：请运行 night-patrol migrate"),
        ("update alembic_version set version_num='9999'", "✘ 数据库结构 9999 比本程序的"),
    ],
)
def test_an_incomplete_register_or_schema_is_reported(
    county: Edge, tmp_path: Path, statement: str, expected: str
) -> None:
    change(county, statement=statement)
    assert any(expected in line for line in problems(county, tmp_path)), problems(county, tmp_path)


def test_a_leader_without_an_account_and_enterprises_that_cannot_send_are_named(county: Edge, tmp_path: Path) -> None:
    with county.bot.uow.transaction() as store:
        for binding in store.session.query(Binding).filter(Binding.account.in_(["leader", "p2", "h2"])):
            store.session.delete(binding)
    lines = problems(county, tmp_path)
    assert any("值班领导李局没有绑定账号" in line for line in lines)
    assert any("有 1 家企业还没有任何人绑定账号，发不了视频：乙化工有限公司" in line for line in lines)


def test_enterprises_without_a_group_are_counted(county: Edge, tmp_path: Path) -> None:
    with county.bot.uow.transaction() as store:
        store.session.add(GroupChat(name="第二群", robot_key="KEY2"))
        enterprise = store.session.query(Enterprise).first()
        assert enterprise is not None
        enterprise.group_id = None
    county.cloud.add_robot("KEY2", "第二群")
    assert any("有 1 家企业没有填所在的群" in line for line in problems(county, tmp_path))


def test_missing_workers_and_a_stalled_scheduler_are_reported(county: Edge, tmp_path: Path) -> None:
    with county.bot.uow.transaction() as store:
        store.outages.record_heartbeat(PROCESSING, wall_now() - timedelta(minutes=2))
    assert any("时刻表已有 120 秒没有动" in line or "时刻表已有 121 秒" in line for line in problems(county, tmp_path))
    with county.bot.uow.transaction() as store:
        store.facts.store_fact(f"{WORKER_HEARTBEAT_PREFIX}one", {"at": (wall_now() - timedelta(minutes=2)).isoformat()})
    assert any("没有正在运行的 worker" in line for line in problems(county, tmp_path))


def test_several_workers_without_executor_ids_are_reported(county: Edge, tmp_path: Path) -> None:
    with county.bot.uow.transaction() as store:
        store.facts.store_fact(f"{WORKER_HEARTBEAT_PREFIX}two", {"at": wall_now().isoformat()})
    assert any("有 2 个 worker，而 EXECUTOR_ID 没有设" in line for line in problems(county, tmp_path))
    assert not any("EXECUTOR_ID" in line for line in problems(county, tmp_path, EXECUTOR_ID="one"))


@embedded_only
def test_a_nearly_full_disk_is_reported(county: Edge) -> None:
    config = county.bot.config.model_copy(update={"DISK_RESERVE_MB": 10**9})
    results = list(storage.check_storage(config))
    assert ["低于保留的 1048576.0 GB（DISK_RESERVE_MB）" in each.text for each in results if each.ok is False] == [True]


@embedded_only
def test_files_that_others_may_read_are_reported(county: Edge, tmp_path: Path) -> None:
    (tmp_path / "patrol.db").chmod(0o644)
    assert any(f"chmod 600 {tmp_path}/patrol.db" in line for line in problems(county, tmp_path))


def test_a_host_clock_that_differs_from_the_platform_is_reported(county: Edge) -> None:
    bot = county.bot
    results = platform.check_platform(bot.config, bot.uow, bot.channels, lambda: wall_now() + timedelta(seconds=95))
    assert any(each.ok is False and each.text.startswith("本机时钟与平台相差 9") for each in results)
