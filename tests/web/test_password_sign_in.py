"""Sign-in by password: on the first day, and without WeCom."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import event
from werkzeug.test import TestResponse

from bot.cli import cli
from bot.clock import wall_now
from storage.db.models import SignInAttempts
from tests.places import current_place
from tests.web.parts import HERE, Browser, Dashboard, open_dashboard

WORD = "a long enough word"


def run(folder: Path, *words: str, given: str = "") -> Any:
    """Run a command with this standard input."""
    settings = {**current_place().settings(folder), "SECRET_KEY": "a secret key used by the tests only"}
    return CliRunner().invoke(cli, words, input=given, env=settings, catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def enter(browser: Browser, login: str, password: str, code: str = "", wanted: str = "/") -> TestResponse:
    """Submit the sign-in form."""
    form = {"login": login, "password": password, "code": code, "next": wanted}
    return browser.act("/login", form, page="/login")


def test_a_local_administrator_signs_in_by_password(dashboard: Dashboard, folder: Path) -> None:
    assert run(folder, "user", "add", "王大", given=f"{WORD}\n").exit_code == 0
    browser = dashboard.browser()
    assert "账号或密码不对" in enter(browser, "王大", "not the word at all").text
    assert enter(browser, " 王大 ", WORD, wanted="/account").headers["Location"] == "/account"
    assert "管理员" in browser.get("/account").text


def test_a_password_is_generated_when_none_is_given(dashboard: Dashboard, folder: Path) -> None:
    told = json.loads(run(folder, "user", "add", "王大", "--role", "auditor", "--json").output)
    assert enter(dashboard.browser(), "王大", told["password"]).status_code == 302


def test_a_totp_code_is_required_and_valid_once(dashboard: Dashboard, folder: Path) -> None:
    told = json.loads(run(folder, "user", "add", "Wang", "--totp", "--json").output)
    code = pyotp.TOTP(told["totp_secret"]).at(wall_now())
    assert "打开验证器" in enter(dashboard.browser(), "wang", told["password"]).text
    assert "动态验证码不对" in enter(dashboard.browser(), "wang", told["password"], "000000").text
    assert enter(dashboard.browser(), "wang", told["password"], code).status_code == 302
    assert "已经用过" in enter(dashboard.browser(), "wang", told["password"], code).text


def test_sign_in_pauses_after_five_failed_attempts(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = dashboard.browser()
    assert fail(browser, "王大", 5) == ["账号或密码不对。"] * 5
    assert "过一分钟再试" in enter(browser, "王大", WORD).text
    with dashboard.story.office() as store:
        [counted] = store.session.query(SignInAttempts)
        counted.last_failed_at = wall_now() - timedelta(minutes=1)
    assert enter(browser, "王大", WORD).status_code == 302


def fail(browser: Browser, login: str, times: int, address: str = "127.0.0.1") -> list[str]:
    """Sign in with a wrong password; the error shown each time."""
    token = browser.csrf("/login")
    form = {"login": login, "password": "wrong word", "csrf_token": token}
    how: dict[str, Any] = {"headers": {"Referer": HERE}, "environ_base": {"REMOTE_ADDR": address}}
    pages = [browser.post("/login", data=form, **how).text for _ in range(times)]
    return [re.findall(r'role="alert"[^>]*>\s*([^<]*?)\s*<', page)[0] for page in pages]


def test_a_known_device_and_another_address_are_not_kept_out_by_the_failures_of_others(
    dashboard: Dashboard, folder: Path
) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    own, attacker = dashboard.browser(), dashboard.browser()
    assert enter(own, "王大", WORD).status_code == 302
    assert own.act("/account/leave").status_code == 302
    assert "过一分钟再试" in fail(attacker, "王大", 6)[-1], "from the same address as the owner"
    assert enter(own, "王大", WORD).status_code == 302
    own.act("/account/leave")
    answers = [enter(attacker, "王大", "wrong word").status_code for _ in range(20)]
    assert answers[-1] == 429
    assert enter(own, "王大", WORD).status_code == 302
    elsewhere = dashboard.browser()
    assert fail(elsewhere, "王大", 1, "203.0.113.7") == ["账号或密码不对。"]


def test_a_device_known_for_one_login_is_unknown_for_another(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    run(folder, "user", "add", "李二", given=f"{WORD}\n")
    browser, other = dashboard.browser(), dashboard.browser()
    enter(browser, "李二", WORD)
    browser.act("/account/leave")
    assert fail(other, "王大", 5) == ["账号或密码不对。"] * 5
    assert "过一分钟再试" in fail(browser, "王大", 1)[0]


def test_the_addresses_of_one_ipv6_subscriber_are_counted_together(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = dashboard.browser()
    shown = [fail(browser, "王大", 1, f"2001:db8::{number}")[0] for number in range(6)]
    assert "过一分钟再试" in shown[-1]


def test_a_login_that_does_not_exist_is_answered_like_one_that_does(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser, seen, spent = dashboard.browser(), {}, {}
    fail(browser, "又一个人", 1)
    for login in ("王大", "没有这个人"):
        statements, started = statements_of(dashboard), time.thread_time()
        seen[login] = (fail(browser, login, 6), list(statements))
        spent[login] = time.thread_time() - started
    assert seen["王大"] == seen["没有这个人"]
    assert 0.5 < spent["没有这个人"] / spent["王大"] < 2


def statements_of(dashboard: Dashboard) -> list[str]:
    """The SQL statements from now on, without their parameters."""
    seen: list[str] = []
    engine = dashboard.story.bot.uow.database.engine

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    return seen


@pytest.mark.slow
def test_made_up_logins_do_not_fill_the_database(dashboard: Dashboard) -> None:
    now = wall_now()
    with dashboard.story.office() as store:
        old = [
            SignInAttempts(key=f"{n}", failures=9, last_failed_at=now - timedelta(milliseconds=n))
            for n in range(10_050)
        ]
        store.session.add_all(old)
        store.session.add(SignInAttempts(key="old", failures=9, last_failed_at=now - timedelta(hours=2)))
    fail(dashboard.browser(), "王大", 1)
    with dashboard.story.office() as store:
        keys = {each.key for each in store.session.query(SignInAttempts)}
    assert len(keys) == 10_000
    assert "0" in keys
    assert not {"old", "10049"} & keys


def test_sign_in_is_rate_limited_per_ip_address(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    token = browser.csrf("/login")
    form = {"login": "nobody", "password": "x", "csrf_token": token}
    answers = [browser.post("/login", data=form, headers={"Referer": "https://patrol.example.org/"}) for _ in range(22)]
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert "过一分钟再试" in answers[-1].text


def test_a_new_password_ends_the_sessions_of_the_old_one(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = dashboard.browser()
    enter(browser, "王大", WORD)
    assert run(folder, "user", "password", "王大", given="another long word\n").exit_code == 0
    assert browser.get("/").status_code == 302
    assert enter(browser, "王大", "another long word").status_code == 302


def test_removing_a_user_ends_the_sessions_at_once(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = dashboard.browser()
    enter(browser, "王大", WORD)
    assert "王大" in run(folder, "user", "list").output
    assert run(folder, "user", "remove", "王大").exit_code == 0
    assert browser.get("/").status_code == 302
    assert enter(browser, "王大", WORD).status_code == 403


def test_the_head_of_an_enterprise_can_have_a_password(dashboard: Dashboard, folder: Path) -> None:
    run(folder, "user", "add", "孙厂长", "--role", "负责人", "--enterprise", "E002", given=f"{WORD}\n")
    browser = dashboard.browser()
    enter(browser, "孙厂长", WORD)
    page = browser.get("/", follow_redirects=True).text
    assert "乙化工" in page
    assert "甲化工" not in page


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with open_dashboard(tmp_path):
        refused = run(tmp_path, "user", "add", "王大", given="short\n")
    assert refused.exit_code == 1
    assert "至少 10 个字符" in refused.output
