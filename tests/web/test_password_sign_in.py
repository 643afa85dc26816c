"""Sign-in by password: on the first day, and without WeCom."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from bot.cli import cli
from bot.clock import wall_now
from tests.places import current_place
from tests.web.parts import Browser, Dashboard, open_dashboard

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
    for _ in range(5):
        assert enter(browser, "王大", "wrong word").status_code == 403
    assert "过一分钟再试" in enter(browser, "王大", WORD).text
    with dashboard.story.office() as store:
        kept = store.sign_ins.credential_by_login("王大")
        assert kept is not None
        kept.last_failed_at = wall_now() - timedelta(minutes=1)
    assert enter(browser, "王大", WORD).status_code == 302


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
    page = browser.get("/").text
    assert "乙化工" in page
    assert "甲化工" not in page


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with open_dashboard(tmp_path):
        refused = run(tmp_path, "user", "add", "王大", given="short\n")
    assert refused.exit_code == 1
    assert "至少 10 个字符" in refused.output
