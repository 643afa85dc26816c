"""From the film to the verdict, and what the enterprise and the patroller hear of it."""

from __future__ import annotations

from datetime import timedelta

from bot.reports.daily import daily_json
from handlers.review.verdicts import VerdictDraft, record_verdict, undo_verdict
from schedules.context import Context
from schedules.reports.daily import daily_report
from storage.db.models import Person, Submission, Verdict
from tests.harness import NIGHT, Story, at, row

WORDS = ["合格", "有问题", "看不清", "非本部位"]


def named_film(night: Story, who: str = "p1", part: str = "1") -> None:
    """A patroller films a part and hears the receipt."""
    night.says(who, part)
    night.film(who)
    night.hears(who)


def test_the_next_film_comes_as_a_card_with_four_buttons_and_a_link(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    night.says("leader", "审看")
    title, words = night.hears("leader")
    assert title.startswith("审看 1124-0001（还有1段）\n甲化工 · 1 罐区\n00:10 发来，12秒\n先看原因：红色风险")
    assert words.splitlines()[0].startswith("请审看 1124-0001：甲化工 · 1 罐区，00:10 发来，12秒（红色风险）。")
    assert words.splitlines()[1] == "https://patrol.example.org/films/2026-11-24/1124-0001"
    card = night.cloud.phone("leader").cards[-1]
    assert list(card.buttons.values()) == WORDS
    assert card.content["card_action"]["url"] == "https://patrol.example.org/films/2026-11-24/1124-0001"


def test_a_button_gives_the_verdict_and_brings_the_next_film(night: Story) -> None:
    night.time("00:10")
    named_film(night, part="1")
    named_film(night, part="2")
    night.says("leader", "审看")
    night.hears("leader")
    card = night.taps("leader", "合格")
    assert card.replacement_text == "李局 00:10 合格"
    assert night.hears("leader")[0].startswith("审看 1124-0002（还有1段）\n甲化工 · 2 装卸台")
    night.taps("leader", "合格")
    assert night.hears("leader") == ["要审看的都看完了，辛苦！"]


def test_a_problem_goes_to_the_enterprise_with_its_picture_and_the_objection_comes_back(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    night.says("leader", "审看")
    night.hears("leader")
    night.time("00:20")
    night.taps("leader", "有问题")
    assert night.hears("leader") == [
        "已判有问题，10秒后通知 甲化工 · 1 罐区；按错了请马上回复“撤销”。"
        "请再回复一句话说明是什么问题，会一并转给对方。",
        "要审看的都看完了，辛苦！",
    ]
    assert (night.hears("h1"), night.hears("p1")) == ([], [])
    night.settle(10)
    found = "🚩 李局 登记了隐患 YH-2026-0001：甲化工 · 1 罐区，事项待补充。见 1124-0001（00:10）的画面，整改时限"
    for who, more in (("h1", 1), ("p1", 0)):
        picture, words, *cards = night.hears(who)
        assert (picture, len(cards)) == ("1124-0001.jpg", more)
        assert words.startswith(found)
    assert night.cloud.phone("h1").received[0].msgtype == "image"
    assert list(night.cloud.phone("h1").cards[-1].buttons.values()) == ["由我整改", "有异议"]
    night.says("leader", "法兰下面有滴漏")
    assert night.hears("leader") == ["说明已转给企业。"]
    told = ["🚩 隐患 YH-2026-0001（1 罐区）的问题说明：法兰下面有滴漏（李局）"]
    assert (night.hears("h1"), night.hears("p1")) == (told, told)
    night.time("00:25")
    night.taps("h1", "有异议")
    night.hears("h1")
    night.says("h1", "是冷凝水，已擦干")
    assert night.hears("h1") == ["对隐患 YH-2026-0001 的异议已记录，并转给工作人员。"]
    objection = ["💬 甲化工负责人 对隐患 YH-2026-0001（甲化工 · 1 罐区，法兰下面有滴漏）有异议：是冷凝水，已擦干"]
    assert (night.hears("leader"), night.hears("staff")) == (objection, objection)


def test_a_patroller_may_not_review(night: Story) -> None:
    night.says("p1", "审看")
    assert night.hears("p1") == ["审看由值班领导和工作人员进行，您的账号没有这个权限。"]


def test_a_film_that_does_not_show_its_part_is_requested_again_and_does_not_count_as_missing(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    assert night.part("E001", "1")["state"] == "on_time"
    judge(night, "leader", "看不清")
    [asked] = night.hears("p1")
    assert asked == (
        "⚠️ 1124-0001（1 罐区，00:10）审看时看不清（画面太暗或太晃）。请到现场重新拍一段发来；12:00 前补拍的，不算缺报。"
    )
    assert night.part("E001", "1")["state"] == "unjudged"
    assert [film["verdict"] for film in night.part("E001", "1")["submissions"]] == ["unclear"]
    night.time("00:20")
    named_film(night)
    assert night.part("E001", "1")["state"] == "on_time"


def judge(night: Story, who: str, word: str) -> None:
    """A reviewer takes the next film and says a word, and does not take it back."""
    night.says(who, "审看")
    night.says(who, word)
    night.hears(who)
    night.settle(10)


def test_a_later_verdict_takes_back_what_the_first_one_led_to(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    judge(night, "leader", "非本部位 像是泵房")
    assert night.hears("p1") == [
        "⚠️ 1124-0001（00:10）拍的不是 1 罐区（像是泵房）。请到现场重新拍一段发来；12:00 前补拍的，不算缺报。"
    ]
    with night.office() as store:
        film = row(store, Submission, number=1)
        record_verdict(
            VerdictDraft(film.id, "fit", row(store, Person, name="王科")),
            Context(store, night.bot.uow.rules(store), night.clock.now()),
        )
    night.settle()
    night.settle(10)
    assert night.hears("p1") == ["✅ 1124-0001（1 罐区）经再次审看有效，不用重拍了。"]
    assert night.part("E001", "1")["state"] == "on_time"
    with night.office() as store:
        assert [(each.reviewer_name, each.verdict) for each in store.review.verdict_history(film.id)] == [
            ("王科", "fit"),
            ("李局", "wrong_part"),
        ]


def test_two_reviewers_are_given_different_films_and_a_claim_lapses(night: Story) -> None:
    night.time("00:10")
    named_film(night, part="1")
    named_film(night, part="2")
    for who, receipt in (("leader", "1124-0001"), ("backup", "1124-0002")):
        night.says(who, "审看")
        assert night.hears(who)[0].startswith(f"审看 {receipt}")
    night.says("staff", "审看")
    assert night.hears("staff") == ["要审看的都看完了，辛苦！"]
    night.clock.instant += timedelta(minutes=11)
    night.says("staff", "审看")
    assert night.hears("staff")[0].startswith("审看 1124-0001")
    night.says("leader", "合格")
    assert night.hears("leader")[0].startswith("今晚：看全县报送情况")
    with night.office() as store:
        assert store.session.query(Verdict).count() == 0


def test_the_countys_own_gap_is_told_at_the_deadline(night: Story) -> None:
    night.time("00:10")
    named_film(night, part="1")
    named_film(night, part="2")
    judge(night, "leader", "合格")
    listen_to_the_night(night)
    night.time("12:00")
    gap = "📋 11-24 夜巡的审看已到 12:00 截止：应看2段，还有1段未看：1124-0002。回复“审看”可以接着看。"
    assert (night.hears("leader")[-1], night.hears("staff")[-1]) == (gap, gap)
    night.time("12:30")


def listen_to_the_night(night: Story) -> None:
    """Ignore the messages up to the morning."""
    night.time("11:59")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_a_fit_film_is_drawn_for_a_second_review_by_another_person(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    judge(night, "leader", "合格")
    listen_to_the_night(night)
    night.time("12:01")
    night.says("leader", "审看")
    assert night.hears("leader") == ["要审看的都看完了，辛苦！"]
    night.says("backup", "审看")
    assert night.hears("backup")[0].startswith("审看 1124-0001（还有1段）")
    night.taps("backup", "看不清")
    night.settle(10)
    assert night.hears("backup") == ["要审看的都看完了，辛苦！"]
    assert night.hears("staff") == [
        "⚖️ 1124-0001 两次审看结论不同：李局 判合格，赵局 复看判看不清。现以复看为准，请核实。"
    ]
    [told] = night.hears("p1")
    assert told.endswith("这一夜的记录不变，下次请注意。")
    assert night.part("E001", "1")["state"] == "on_time"


def test_a_verdict_that_comes_too_late_to_be_made_up_for_changes_no_state(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    listen_to_the_night(night)
    judge(night, "leader", "非本部位")
    [told] = night.hears("p1")
    assert told == "⚠️ 1124-0001（00:10）拍的不是 1 罐区（与登记的部位对不上）。这一夜的记录不变，下次请注意。"
    assert night.part("E001", "1")["state"] == "on_time"
    night.time("13:00")
    assert night.part("E001", "1")["state"] == "on_time"


def test_a_film_asked_for_again_that_never_comes_leaves_the_part_missing(night: Story) -> None:
    night.time("06:30")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")
    night.film("p1", at=at("00:10"))
    night.settle(6)
    night.says("p1", "1")
    night.hears("p1")
    judge(night, "leader", "看不清")
    night.hears("p1")
    assert night.part("E001", "1")["state"] == "unjudged"
    listen_to_the_night(night)
    night.time("12:01")
    assert night.part("E001", "1")["state"] == "missing"
    night.settle(2)
    for who in ("leader", "backup", "staff"):
        [amendment] = night.hears(who)
        assert "第1号更正" in amendment
        assert "状态 待判 → 未报" in amendment


def test_the_daily_table_says_what_was_found_and_is_the_same_when_issued_again(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    judge(night, "leader", "有问题 法兰滴漏")
    for who in ("h1", "p1"):
        night.hears(who)
    with night.office() as store:
        book, now = night.bot.uow.rules(store), night.clock.now()
        before = daily_json(daily_report(Context(store, book, now), NIGHT), book)
        finding = {"receipt": "1124-0001", "part": "1 罐区", "word": "problem", "reason": "法兰滴漏"}
        assert before["review"]["findings"] == (finding,)
        assert before["enterprises"][0]["review"]["reviewers"] == ("李局",)
        film = row(store, Submission, number=1)
        record_verdict(
            VerdictDraft(film.id, "fit", row(store, Person, name="王科")),
            Context(store, book, now + timedelta(minutes=5)),
        )
        assert daily_json(daily_report(Context(store, book, now), NIGHT), book) == before
        after = daily_json(daily_report(Context(store, book, now + timedelta(minutes=5)), NIGHT), book)
        assert after["review"]["words"] == {"fit": 1}
    night.settle()
    night.time("00:20")
    for who in ("h1", "p1"):
        assert night.hears(who) == [
            "✅ 隐患 YH-2026-0001（1 罐区，法兰滴漏）已撤销，不用整改了（王科：审看结论已更改或撤销）。"
        ]


def test_the_names_of_parts_still_go_with_films_while_a_problem_is_open(night: Story) -> None:
    night.time("00:10")
    named_film(night, part="1")
    judge(night, "leader", "有问题 甲")
    for who in ("h1", "p1"):
        night.hears(who)
    night.film("p1", settle=False)
    night.says("p1", "2")
    [receipt] = night.hears("p1")
    assert receipt.startswith("✅ 收到 1124-0002\n甲化工 · 2 装卸台")


def test_a_verdict_that_is_taken_back_reaches_nobody(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    night.says("leader", "审看")
    night.says("leader", "有问题 法兰滴漏")
    night.settle(9)
    night.hears("leader")
    night.says("leader", "撤销")
    assert night.hears("leader") == ["已撤销 1124-0001 的结论，没有通知企业。请重新审看。"]
    night.settle(60)
    assert (night.hears("h1"), night.hears("p1")) == ([], [])
    night.says("h1", "有异议 YH-2026-0001 没有的事")
    assert night.hears("h1") == ["没有编号为 YH-2026-0001 的隐患"]
    night.says("leader", "合格")
    night.hears("leader")
    with night.office() as store:
        film = row(store, Submission, number=1)
        given = store.review.verdict_history(film.id)
        assert [(each.verdict, each.is_undone) for each in given] == [("fit", False), ("problem", True)]
        actions = [entry.action for entry in reversed(store.audit_log.page())]
        assert [each for each in actions if each.startswith(("film_judged", "verdict"))] == [
            "film_judged",
            "verdict_undone",
            "film_judged",
        ]


def test_after_ten_seconds_a_verdict_cannot_be_taken_back(night: Story) -> None:
    night.time("00:10")
    named_film(night)
    judge(night, "leader", "看不清")
    assert len(night.hears("p1")) == 1
    night.says("leader", "撤销")
    assert night.hears("leader")[0].startswith("今晚：看全县报送情况")
    assert night.part("E001", "1")["state"] == "unjudged"


def test_taking_back_a_later_verdict_leaves_the_first_in_force(night: Story) -> None:
    """Its notices are sent although they fell due while it was superseded."""
    night.time("00:10")
    named_film(night)
    night.says("leader", "审看")
    night.says("leader", "看不清")
    night.settle(6)
    with night.office() as store:
        context = Context(store, night.bot.uow.rules(store), night.clock.now())
        later = record_verdict(
            VerdictDraft(row(store, Submission, number=1).id, "fit", row(store, Person, name="李局")), context
        )
    night.settle(6)
    night.hears("leader")
    assert night.hears("p1") == []
    with night.office() as store:
        context = Context(store, night.bot.uow.rules(store), night.clock.now())
        undo_verdict(later.id, row(store, Person, name="李局"), context)
    night.settle()
    night.settle(10)
    [asked] = night.hears("p1")
    assert "审看时看不清" in asked
    assert night.part("E001", "1")["state"] == "unjudged"
