"""The simulator as a program of its own, with pretend credentials ready for a .env file."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bot.devtools.simulator.cloud import Cloud


def add_sample_people(cloud: Cloud) -> None:
    """A few people and one group, so that the page has something to show at once."""
    cloud.add_member("zhangsan", "张三", "13800000001")
    cloud.add_member("lisi", "李四", "13800000002", shows_cards=False)
    cloud.add_member("wangling", "王领导", "13800000003")
    cloud.add_customer("wmPretendCustomer0001", "赵师傅")
    cloud.add_follower("oPretendFollower0001", "钱师傅")
    cloud.add_robot("pretend-robot-key", "夜巡工作群", ("zhangsan", "lisi", "wangling"))
    cloud.aibot.add_chat("wrPretendChat", "夜巡工作群", ("zhangsan", "lisi", "wangling"))


def run(port: int, clock: Callable[[], float] = time.time, films_dir: Path | None = None) -> None:
    """Serve until interrupted; the address and the settings are printed once."""
    with Cloud(clock, films_dir=films_dir) as cloud:
        add_sample_people(cloud)
        cloud.serve(port)
        cloud.aibot.serve(port + 1 if port else 0)
        cloud.official_account.serve(port + 2 if port else 0)
        lines = [f"{name}={value}" for name, value in cloud.settings.items()]
        head = [f"# the pretend WeCom cloud: {cloud.url} (callbacks go to {cloud.app.callback_url})"]
        tail = [f"# robot keys: {', '.join(cloud.robots)}", "# WeChat customer service:"]
        tail += [f"{name}={value}" for name, value in cloud.kf.settings().items()]
        tail += [f"# the smart bot, in the groups {', '.join(cloud.aibot.chats)}:"]
        tail += [f"{name}={value}" for name, value in cloud.aibot.settings.items()]
        tail += ["# the Official Account:"]
        tail += [f"{name}={value}" for name, value in cloud.official_account.settings().items()]
        sys.stdout.write("\n".join(head + lines + tail) + "\n")
        sys.stdout.flush()
        _until_interrupted()


def _until_interrupted() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
