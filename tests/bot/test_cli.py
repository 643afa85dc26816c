"""The output of the commands for an operator: in Chinese, without error numbers, with progress on a terminal only."""

from __future__ import annotations

import errno
import gettext
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from rich.console import Console

from bot.cli import cli
from bot.cli.errors import error_text
from bot.cli.groups import with_subcommands
from bot.cli.progress import busy, track
from bot.config import SettingsError, load_config
from bot.doctor import platform
from bot.texts import all_texts, os_error_text
from storage.db.models import Person
from storage.private_files import atomic_private_file
from tests.bot.parts import Edge
from tests.bot.test_doctor import county, problems, run_doctor  # noqa: F401

ROOT = Path(__file__).parent.parent.parent
CATALOG = ROOT / "bot" / "cli" / "locale" / "zh_CN" / "LC_MESSAGES"


def run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, env={**kept, **own, **environment}, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_command_and_option_is_explained_in_chinese() -> None:
    ctx, unexplained = click.Context(cli), []
    for name in cli.list_commands(ctx):
        command = cli.get_command(ctx, name)
        assert command is not None
        for key, each in with_subcommands(name, command):
            unexplained += _unexplained(key, each)
    assert unexplained == []


def _unexplained(name: str, command: click.Command) -> list[str]:
    texts = all_texts()
    unexplained = [] if f"command.{name}" in texts else [name]
    for option in command.params:
        if isinstance(option, click.Option) and not {f"option.{name}_{option.name}", f"option.{option.name}"} & {
            *texts
        }:
            unexplained.append(f"{name} --{option.name}")
    return unexplained


def test_the_compiled_catalog_is_that_of_its_source() -> None:
    source = (CATALOG / "messages.po").read_text("utf-8")
    with (CATALOG / "messages.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', source, re.M)
    assert len(pairs) > 20
    assert [pair for pair in pairs if catalog.gettext(_unescaped(pair[0])) != _unescaped(pair[1])] == []
    plurals = re.findall(r'^msgid "(.+)"\nmsgid_plural "(.+)"\nmsgstr\[0\] "(.+)"$', source, re.M)
    assert [each for each in plurals if catalog.ngettext(each[0], each[1], 2) != each[2]] == []


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


@pytest.mark.slow
def test_help_and_wrong_usage_are_answered_in_chinese(tmp_path: Path) -> None:
    asked = run("--help", folder=tmp_path)
    assert (asked.returncode, "用法：" in asked.stdout, "导入登记册工作簿" in asked.stdout) == (0, True, True)
    wrong = run("verif", folder=tmp_path)
    assert (wrong.returncode, "没有命令 'verif'" in wrong.stderr, "是不是 'verify'" in wrong.stderr) == (2, True, True)
    assert "不是日期" in run("night", "yesterday", folder=tmp_path).stderr


@pytest.mark.slow
def test_a_shell_can_complete_commands_and_options(tmp_path: Path) -> None:
    # The name of the variable follows from the name of the program: _NIGHT_PATROL_COMPLETE for the installed script.
    script = "import sys; sys.argv[0] = 'night-patrol'; from bot.cli import main; main()"
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "_NIGHT_PATROL_COMPLETE": "bash_complete"}
    for words, found in (("night-patrol ver", "plain,verify"), ("night-patrol import --dr", "plain,--dry-run")):
        asked = {**kept, "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert found in done.stdout.splitlines(), done


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EADDRINUSE, errno.EISDIR])
def test_no_error_number_is_shown(number: int) -> None:
    line = error_text(OSError(number, os.strerror(number), "/srv/夜巡.xlsx")) or ""
    assert ("Errno" in line, os.strerror(number) in line, line.startswith("/srv/夜巡.xlsx：")) == (False, False, True)


def test_an_error_without_a_text_is_shown_in_the_words_of_the_system() -> None:
    assert os_error_text(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("WECOM_CORPID", "WECOM_CORP_ID"),
        ("wecom_corp_id", "WECOM_CORP_ID"),
        ("SECRETKEY", "SECRET_KEY"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("WECOM_APP_SECRET_FLIE", "WECOM_APP_SECRET_FILE"),
    ],
)
def test_a_name_in_the_dotenv_file_that_is_nearly_right_is_named(tmp_path: Path, written: str, meant: str) -> None:
    (tmp_path / ".env").write_text(f"{written}=hidden-value\n")
    with pytest.raises(SettingsError) as found:
        load_config({}, tmp_path / ".env")
    assert (written in str(found.value), meant in str(found.value)) == (True, True)
    assert "hidden-value" not in str(found.value)


def test_names_of_other_programs_may_stand_in_the_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOSTNAME=x\nPOSTGRES_PASSWORD=x\nPORTS=x\nHOST=::1\nPORT=1\n")
    assert load_config({}, tmp_path / ".env").PORT == 1


def test_progress_is_drawn_on_a_terminal_only() -> None:
    for is_terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=is_terminal, width=80)
        assert list(track("核对视频", console)([1, 2, 3])) == [1, 2, 3]
        assert list(track("导出台账", console, total=3)(iter([1, 2, 3]))) == [1, 2, 3]
        with busy("导入", console):
            pass
        drawn = console.file.getvalue()  # type: ignore[attr-defined]
        shown = ["核对视频" in drawn, "导出台账" in drawn, drawn.count("100%") > 1, "导入" in drawn]
        assert shown == [is_terminal] * 4
        assert is_terminal or drawn == ""


def test_the_doctor_ticks_nothing_that_is_absent(county: Edge, tmp_path: Path) -> None:  # noqa: F811
    _, lines = run_doctor(county, tmp_path)
    assert [line[0] for line in lines if "会话内容存档没有开" in line] == ["－"]
    with county.bot.uow.transaction() as store:
        for leader in store.register.people_with_role("值班领导"):
            person = store.session.get(Person, leader.id)
            assert person is not None
            person.roles = ["工作人员"]
    assert any(line.startswith("✘ 登记册里没有值班领导") for line in problems(county, tmp_path))


def test_a_platform_that_tells_no_time_is_not_ticked(county: Edge, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(platform.WeComRobotChannel, "platform_time", lambda self: None)
    bot = county.bot
    results = list(platform.check_platform(bot.config, bot.uow, bot.channels))
    assert [each.symbol for each in results if "无法核对本机时钟" in each.text] == ["！"]


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, atomic_private_file(tmp_path / "absent" / "patrol.backup"):  # noqa: PT011
        pass
    assert error_text(caught.value) == f"{tmp_path}/absent/patrol.backup：没有这个文件或目录"
