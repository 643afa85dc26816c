"""A register of a whole county for demos and rehearsals; all names are invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.workbooks.register.export import build_workbook
from bot.workbooks.register.schema import (
    CONTENT,
    EMPLOYED,
    ENTERPRISES,
    FILMING_RULES,
    GROUPS,
    HAZARD_SOURCES,
    IN_USE,
    LINK,
    PARTS,
    PEOPLE,
    ROSTER,
    RULES,
    SKIP_IN_SHUTDOWN,
    VIDEO,
)
from bot.workbooks.styles import workbook_bytes
from schedules.rules import RULE_DEFAULTS
from storage.register_terms import PRODUCING, SHUT_DOWN, SOURCE_LEVELS

SHIFT_COUNT, ENTERPRISE_COUNT = 14, 75
GROUP_NAMES = ("云溪县夜巡一组", "云溪县夜巡二组", "云溪县夜巡三组")
PLACE_NAMES = (
    "青石",
    "白鹭",
    "云溪",
    "松岭",
    "柳湾",
    "石门",
    "南塘",
    "北坡",
    "东渡",
    "西津",
    "龙泉",
    "凤台",
    "长桥",
    "竹园",
    "梅林",
)
TRADES = ("精细化工", "涂料", "气体", "新材料", "油品储运")
# Part, risk, how it may be filmed.
PART_KINDS = (
    ("罐区", "红", FILMING_RULES[1]),
    ("装卸台", "橙", FILMING_RULES[2]),
    ("中控室", "黄", FILMING_RULES[0]),
    ("危化品库", "橙", FILMING_RULES[1]),
)
# Index of an enterprise -> how many major-hazard sources it has, 16 in all.
HAZARD_SOURCE_COUNTS = {0: 5, 1: 4, 2: 3, 3: 2, 4: 2}
SHUT_DOWN_INDEXES = {18, 37, 56, 74}
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜"
GIVEN_NAMES = ("建国", "志强", "海燕", "晓明", "文斌", "丽华", "永康", "秀英", "国栋", "玉兰", "春生")
OFFICE_STAFF = (
    *((name, "值班领导") for name in ("方正平", "郭守安", "罗长青", "高明远")),
    *((name, "工作人员") for name in ("田小雨", "石磊", "白云飞", "江晓岚")),
    ("贺佳宁", "工作人员、管理员"),
    ("雷鸣", "管理员"),
)
RowValues = list[dict[str, Any]]


def write_sample_register(
    path: str | Path,
    first_day: date,
    *,
    links: tuple[str, str] = ("https://example.com/safety/night", "https://example.com/safety/tanks"),
    film_path: str | None = None,
    robot_keys: tuple[str, str, str] = ("pretend-robot-1", "pretend-robot-2", "pretend-robot-3"),
    rules: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the register: 75 enterprises of 4 parts, 160 people, 3 groups and a roster of 14 shifts.

    `film_path` is relative to the workbook; without it the third content item is a link as well. `rules` override the
    defaults.
    """
    codes = [f"E{number:03d}" for number in range(1, ENTERPRISE_COUNT + 1)]
    cells = {
        ENTERPRISES: [_enterprise(index, code) for index, code in enumerate(codes)],
        PARTS: [part for code in codes for part in _parts(code)],
        PEOPLE: _office() + [person for index, code in enumerate(codes) for person in _plant(index, code)],
        HAZARD_SOURCES: [source for index, code in enumerate(codes) for source in _hazard_sources(index, code)],
        GROUPS: [{"name": name, "robot_key": key} for name, key in zip(GROUP_NAMES, robot_keys, strict=True)],
        ROSTER: [_shift(first_day, index) for index in range(SHIFT_COUNT)],
        RULES: [{"name": name, "value": value} for name, value in {**RULE_DEFAULTS, **rules}.items()],
        CONTENT: _content(links, film_path),
    }
    Path(path).write_bytes(workbook_bytes(build_workbook(cells)))


def _enterprise(index: int, code: str) -> dict[str, Any]:
    place, trade = PLACE_NAMES[index % len(PLACE_NAMES)], TRADES[index // len(PLACE_NAMES)]
    return {
        "code": code,
        "name": f"云溪县{place}{trade}有限公司",
        "short_name": f"{place}{trade}",
        "risk": "红" if index in HAZARD_SOURCE_COUNTS else "橙黄蓝"[index % 3],
        "major_hazard_sources": HAZARD_SOURCE_COUNTS.get(index, 0),
        "group": GROUP_NAMES[index // 25],
        "status": SHUT_DOWN if index in SHUT_DOWN_INDEXES else PRODUCING,
    }


def _parts(code: str) -> RowValues:
    return [
        {
            "code": code,
            "number": str(number),
            "name": name,
            "risk": risk,
            "filming_requirement": rule,
            "kept": SKIP_IN_SHUTDOWN,
            "use": IN_USE,
        }
        for number, (name, risk, rule) in enumerate(PART_KINDS, 1)
    ]


def _office() -> RowValues:
    return [
        {
            "name": name,
            "mobile": f"139000001{number:02d}",
            "roles": roles,
            "wecom": f"office{number:02d}",
            "state": EMPLOYED,
        }
        for number, (name, roles) in enumerate(OFFICE_STAFF, 1)
    ]


def _plant(index: int, code: str) -> RowValues:
    """Every enterprise has a patroller and a responsible person."""
    return [
        _employee(2 * index, "巡检员", code, f"patrol{index + 1:03d}"),
        _employee(2 * index + 1, "负责人" if index % 2 else "负责人、安全员", code, f"head{index + 1:03d}"),
    ]


def _hazard_sources(index: int, code: str) -> RowValues:
    """Its head and its patroller answer for the sources of an enterprise."""
    patroller, head = (person["name"] for person in _plant(index, code))
    return [
        {
            "code": code,
            "source_number": str(number + 1),
            "source_name": f"{PART_KINDS[number % len(PART_KINDS)][0]}{'一二'[number // len(PART_KINDS)]}单元",
            "source_level": SOURCE_LEVELS[number % len(SOURCE_LEVELS)],
            "part_numbers": str(number % len(PART_KINDS) + 1),
            "head": head,
            "technical": head,
            "operation": patroller,
            "use": IN_USE,
        }
        for number in range(HAZARD_SOURCE_COUNTS.get(index, 0))
    ]


def _employee(number: int, roles: str, code: str, account: str) -> dict[str, Any]:
    name = SURNAMES[number % len(SURNAMES)] + GIVEN_NAMES[number % len(GIVEN_NAMES)]
    mobile = f"138000{number + 1:05d}"
    return {"name": name, "mobile": mobile, "roles": roles, "codes": code, "wecom": account, "state": EMPLOYED}


def _shift(first_day: date, index: int) -> dict[str, Any]:
    leaders, staff = [name for name, _ in OFFICE_STAFF[:4]], [name for name, _ in OFFICE_STAFF[4:9]]
    return {
        "day": first_day + timedelta(days=index),
        "leader": leaders[index % 4],
        "backup": leaders[(index + 1) % 4],
        "staff": f"{staff[index % 5]}、{staff[(index + 1) % 5]}",
    }


def _content(links: tuple[str, str], film: str | None) -> RowValues:
    source = "云溪县安委办"
    return [
        {"title": "夜间巡检五看", "kind": LINK, "url": links[0], "source": source, "tags": "夜巡"},
        {"title": "储罐区火灾事故警示", "kind": LINK, "url": links[1], "source": source, "tags": "罐区、警示"},
        {"title": "装卸作业安全要点", "kind": VIDEO, "source": source, "tags": "装卸"}
        | ({"file": film} if film else {"url": links[0]}),
        {"title": "防爆区域拍摄须知", "kind": VIDEO, "url": links[1], "source": source, "tags": "防爆"},
    ]
