"""The sign-in by password: on the first day, and where there is no WeCom."""

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
from tests.places import here
from tests.web.parts import Browser, Room, room

WORD = "a long enough word"


def run(folder: Path, *words: str, given: str = "") -> Any:
    """A command, with what it reads from stdin."""
    settings = {**here().settings(folder), "SECRET_KEY": "a secret key used by the tests only"}
    return CliRunner().invoke(cli, words, input=given, env=settings, catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def enter(browser: Browser, login: str, password: str, code: str = "", wanted: str = "/") -> TestResponse:
    """Fill in the form and send it."""
    form = {"login": login, "password": password, "code": code, "next": wanted}
    return browser.act("/login", form, page="/login")


def test_a_local_administrator_gets_in_on_the_first_day(watch: Room, folder: Path) -> None:
    assert run(folder, "user", "add", "王大", given=f"{WORD}\n").exit_code == 0
    browser = watch.browser()
    assert "账号或密码不对" in enter(browser, "王大", "not the word at all").text
    assert enter(browser, " 王大 ", WORD, wanted="/account").headers["Location"] == "/account"
    assert "管理员" in browser.get("/account").text


def test_a_password_is_made_up_where_none_is_given(watch: Room, folder: Path) -> None:
    told = json.loads(run(folder, "user", "add", "王大", "--role", "auditor", "--json").output)
    assert enter(watch.browser(), "王大", told["password"]).status_code == 302


def test_a_second_factor_is_asked_for_and_each_code_is_good_once(watch: Room, folder: Path) -> None:
    told = json.loads(run(folder, "user", "add", "Wang", "--totp", "--json").output)
    code = pyotp.TOTP(told["totp_secret"]).at(wall_now())
    assert "打开验证器" in enter(watch.browser(), "wang", told["password"]).text
    assert "动态验证码不对" in enter(watch.browser(), "wang", told["password"], "000000").text
    assert enter(watch.browser(), "wang", told["password"], code).status_code == 302
    assert "已经用过" in enter(watch.browser(), "wang", told["password"], code).text


def test_after_some_wrong_tries_one_has_to_wait(watch: Room, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = watch.browser()
    for _ in range(5):
        assert enter(browser, "王大", "wrong word").status_code == 403
    assert "过一分钟再试" in enter(browser, "王大", WORD).text
    with watch.story.office() as store:
        kept = store.sign_ins.credential_by_login("王大")
        assert kept is not None
        kept.last_failed_at = wall_now() - timedelta(minutes=1)
    assert enter(browser, "王大", WORD).status_code == 302


def test_an_address_that_tries_too_often_is_told_to_wait(watch: Room) -> None:
    browser = watch.browser()
    token = browser.csrf("/login")
    form = {"login": "nobody", "password": "x", "csrf_token": token}
    answers = [browser.post("/login", data=form, headers={"Referer": "https://patrol.example.org/"}) for _ in range(22)]
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert "过一分钟再试" in answers[-1].text


def test_a_new_password_ends_the_sign_ins_by_the_old(watch: Room, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = watch.browser()
    enter(browser, "王大", WORD)
    assert run(folder, "user", "password", "王大", given="another long word\n").exit_code == 0
    assert browser.get("/").status_code == 302
    assert enter(browser, "王大", "another long word").status_code == 302


def test_who_lost_the_password_is_out_at_once(watch: Room, folder: Path) -> None:
    run(folder, "user", "add", "王大", given=f"{WORD}\n")
    browser = watch.browser()
    enter(browser, "王大", WORD)
    assert "王大" in run(folder, "user", "list").output
    assert run(folder, "user", "remove", "王大").exit_code == 0
    assert browser.get("/").status_code == 302
    assert enter(browser, "王大", WORD).status_code == 403


def test_a_head_of_an_enterprise_may_have_a_password_too(watch: Room, folder: Path) -> None:
    run(folder, "user", "add", "孙厂长", "--role", "负责人", "--enterprise", "E002", given=f"{WORD}\n")
    browser = watch.browser()
    enter(browser, "孙厂长", WORD)
    page = browser.get("/").text
    assert "乙化工" in page
    assert "甲化工" not in page


def test_a_password_that_is_too_short_is_not_taken(tmp_path: Path) -> None:
    with room(tmp_path):
        refused = run(tmp_path, "user", "add", "王大", given="short\n")
    assert refused.exit_code == 1
    assert "至少 10 个字符" in refused.output
