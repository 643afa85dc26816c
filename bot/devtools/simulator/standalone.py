"""The simulator as a program, with credentials ready for a .env file."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.web_app import serve, serve_aibot, serve_official_account


def add_sample_people(cloud: Cloud) -> None:
    """Add a few people and one group, so that the page is not empty."""
    cloud.add_member("zhangsan", "张三", "13800000001")
    cloud.add_member("lisi", "李四", "13800000002", shows_cards=False)
    cloud.add_member("wangling", "王领导", "13800000003")
    cloud.add_customer("wmPretendCustomer0001", "赵师傅")
    cloud.add_follower("oPretendFollower0001", "钱师傅")
    cloud.add_robot("pretend-robot-key", "夜巡工作群", ("zhangsan", "lisi", "wangling"))
    cloud.aibot.add_chat("wrPretendChat", "夜巡工作群", ("zhangsan", "lisi", "wangling"))


def run(port: int, clock: Callable[[], float] = time.time, films_dir: Path | None = None) -> None:
    """Print the address and the settings, then serve until interrupted."""
    with Cloud(clock, films_dir=films_dir) as cloud:
        add_sample_people(cloud)
        serve(cloud, port)
        serve_aibot(cloud, port + 1 if port else 0)
        serve_official_account(cloud, port + 2 if port else 0)
        sys.stdout.write("\n".join(_introduction(cloud)) + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _introduction(cloud: Cloud) -> list[str]:
    return [
        f"# simulated WeCom cloud: {cloud.url} (callbacks go to {cloud.app.callback_url})",
        *_env_lines(cloud.settings),
        f"# robot keys: {', '.join(cloud.robots)}",
        "# WeChat customer service:",
        *_env_lines(cloud.kf.settings()),
        f"# smart bot, in the groups {', '.join(cloud.aibot.chats)}:",
        *_env_lines(cloud.aibot.settings),
        "# Official Account:",
        *_env_lines(cloud.official_account.settings()),
    ]


def _env_lines(settings: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in settings.items()]
