"""Half a year of hazards in the county of the stage: for the pictures and the filled examples of the tables."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from handlers.hazards.access import actor_of
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.extensions import ask_extension, grant_extension
from handlers.hazards.moving import accept_hazard, submit_hazard
from handlers.inspections.cases import CaseCourse, CaseDraft, add_case
from handlers.inspections.documents import DocumentDraft, add_document
from handlers.inspections.inspecting import InspectionDraft, add_inspection
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.rules import RuleBook
from storage.db.models import Enterprise, Hazard, InboxRow, KeyPart, Notice, Person, Submission
from storage.store import Store
from tests.harness import Story

# Kind, what was found, what is to be done, and what it costs in yuan.
_MATTERS = (
    ("process", "液氯管道法兰渗漏", "更换垫片，检漏合格后投用", 3500),
    ("process", "反应釜温度联锁未投用", "恢复联锁，补办联锁管理手续", 0),
    ("equipment", "储罐呼吸阀锈蚀卡涩", "更换呼吸阀", 6800),
    ("equipment", "泵房机泵防护罩缺失", "补装防护罩", 1200),
    ("electrical", "防爆接线盒缺少紧固螺栓", "补齐螺栓并复检防爆性能", 300),
    ("electrical", "静电跨接线断开", "重新连接并测试电阻", 200),
    ("instrument", "可燃气体报警器未校验", "送检并更换到期探头", 2400),
    ("fire", "消防沙池无沙，灭火器压力不足", "补充消防沙，更换灭火器", 1800),
    ("fire", "消防通道堆放桶装原料", "清空通道，划线标识", 0),
    ("safety", "装卸台作业人员未戴防护面罩", "停止作业，重新培训", 0),
    ("layout", "围堰裂缝，容积不足", "修补围堰并核算容积", 42000),
)
_SOURCES = ("night_patrol", "night_patrol", "inspection", "expert", "self_check")
_MAJOR = {"level": "major", "criterion": "AQ 3067-2026 5.2.3", "supervised_by": "市安委办", "cost_yuan": 180_000}
_DAYS, _HAZARDS, _MAJOR_ONES = 180, 90, (70, 79, 86)


def fill_ledger(story: Story) -> None:
    """Half a year of hazards until now."""
    with story.office() as store:
        _LedgerWriter(store, story.bot.uow.rules(store), story.clock.instant).write()


class _LedgerWriter:
    """Adds hazards at past instants and lets people act on them then."""

    def __init__(self, store: Store, rules: RuleBook, now: datetime) -> None:
        self._store, self._rules, self._now, self._dice = store, rules, now, random.Random(2026)
        self._office = [actor_of(person, store) for person in store.register.office_staff()]
        self._enterprises = store.register.supervised_enterprises()[:24]

    def write(self) -> None:
        """No notices are sent about them."""
        last_notice = self._store.session.scalar(select(func.max(Notice.id))) or 0
        days = sorted((self._dice.randrange(_DAYS) for _ in range(_HAZARDS)), reverse=True)
        for number, days_ago in enumerate(days):
            self._one(number, self._now - timedelta(days=days_ago, minutes=self._dice.randrange(90, 600)))
        self._store.session.execute(delete(Notice).where(Notice.id > last_notice))

    def _one(self, number: int, found_at: datetime) -> None:
        dice, enterprise = self._dice, self._dice.choice(self._enterprises)
        part, head = dice.choice(self._store.register.parts_of(enterprise.id)), self._head(enterprise)
        kind, matter, measure, cost = dice.choice(_MATTERS)
        fields: dict[str, Any] = {"part_id": part.id, "kind": kind, "matter": matter, "source": dice.choice(_SOURCES)}
        ctx, staff = self._at(found_at), dice.choice(self._office)
        if number % 9 != 8:
            deadline = ctx.today + timedelta(days=dice.choice((3, 5, 7, 10, 30)))
            fields |= {"responsible": head.name, "measure": measure, "cost_yuan": cost or None, "deadline": deadline}
        if fields["source"] == "inspection":
            fields["inspection_number"] = self._inspection(enterprise, staff, ctx)
        draft = HazardDraft(enterprise.id, fields | (_MAJOR if number in _MAJOR_ONES else {}), found_at=found_at)
        hazard = add_hazard(draft, staff, ctx)
        self._store.session.flush()
        if hazard.inspection_number is not None:
            self._enforce(number, hazard, staff, ctx)
        if hazard.state == "rectifying" and dice.random() < 0.85:
            self._put_right(hazard, part, head, found_at)

    def _inspection(self, enterprise: Enterprise, staff: Viewer, ctx: Context) -> str:
        kind, inspectors = self._dice.choice(("annual", "special")), "、".join(each.name for each in self._office[:2])
        plan = "年度执法检查计划" if kind == "annual" else "危险化学品专项整治"
        return add_inspection(enterprise.id, InspectionDraft(kind, ctx.today, inspectors, plan), staff, ctx).number

    def _enforce(self, number: int, hazard: Hazard, staff: Viewer, ctx: Context) -> None:
        """An order to rectify; for every third inspection a case with a fine."""
        refers = {"inspection_number": hazard.inspection_number, "hazard_numbers": [hazard.number]}
        order = DocumentDraft("rectification_order", f"云应急责改〔2026〕{number + 1}号", ctx.today, **refers)
        document = add_document(hazard.enterprise_id, order, staff, ctx)
        if number % 3 == 0:
            course = CaseCourse("未按规定采取措施消除事故隐患", 10_000 + 5_000 * self._dice.randrange(5), ctx.today)
            case = CaseDraft(f"云应急立〔2026〕{number + 1}号", ctx.today, course, document_ids=[document.id], **refers)
            add_case(hazard.enterprise_id, case, staff, ctx)

    def _put_right(self, hazard: Hazard, part: KeyPart, head: Person, found_at: datetime) -> None:
        fixed_at = found_at + timedelta(days=self._dice.choice((1, 2, 4, 6, 8)))
        first, second = self._office[:2]
        if self._dice.random() < 0.15 and found_at + timedelta(hours=30) < self._now:
            until = hazard.deadline and hazard.deadline + timedelta(days=10)
            asked_by, asked = actor_of(head, self._store), self._at(found_at + timedelta(hours=5))
            ask_extension(hazard.number, until, "备件未到货", "每班巡检两次，现场备消防器材", asked_by, asked)
            grant_extension(hazard.number, first, self._at(found_at + timedelta(hours=29)))
        if fixed_at >= self._now:
            return
        film = self._film(part, fixed_at)
        submit_hazard(hazard.number, film, actor_of(head, self._store), self._at(fixed_at))
        accepted_at = fixed_at + timedelta(days=self._dice.choice((1, 1, 2, 3)))
        if accepted_at < self._now:
            accept_hazard(hazard.number, second, self._at(accepted_at), "现场复查合格")

    def _film(self, part: KeyPart, sent_at: datetime) -> Submission:
        """A stored film of the part, as a fact only: its bytes are not kept."""
        night, store = self._rules.local_date(sent_at), self._store
        key = f"ledger-{store.facts.next_number('ledger films')}"
        heard = InboxRow(
            channel="wecom_app", message_key=key, raw="", received_at=sent_at, state="done", dispatched=True
        )
        store.session.add(heard)
        store.session.flush()
        film = Submission(
            night=night,
            number=store.facts.next_number(f"receipts/{night}"),
            channel="wecom_app",
            message_key=key,
            inbox_id=heard.id,
            realm="wecom",
            sender="ledger",
            canonical_sender="ledger",
            kind="photo",
            sent_at=sent_at,
            received_at=sent_at,
            attribution="attributed",
            state="supporting",
            sha256="0" * 64,
            marks=[],
            part_id=part.id,
            enterprise_id=part.enterprise_id,
        )
        store.session.add(film)
        store.session.flush()
        return film

    def _head(self, enterprise: Enterprise) -> Person:
        people = self._store.register.employees([enterprise.id])[enterprise.id]
        return next(person for person in people if "负责人" in person.roles)

    def _at(self, instant: datetime) -> Context:
        return Context(self._store, self._rules, instant)
