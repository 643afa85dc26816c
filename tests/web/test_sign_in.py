"""Who gets in, who does not, and what becomes of a sign-in."""

from __future__ import annotations

from tests.web.parts import PHONE, Room, query_of

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def test_everything_asks_for_a_sign_in_but_what_the_contract_leaves_open(watch: Room) -> None:
    browser = watch.browser()
    assert browser.get("/").headers["Location"] == "/login"
    assert browser.get("/account?x=1").headers["Location"] == "/login?next=%2Faccount%3Fx%3D1"
    assert browser.get("/no/such/page").headers["Location"].startswith("/login?next=")
    assert browser.post("/account/leave").status_code == 401
    assert browser.get("/login").status_code == 200
    assert browser.get("/health/live").status_code == 200
    assert browser.get("/metrics").status_code == 200
    assert browser.get("/callbacks/wecom_app").status_code == 403


def test_inside_wecom_nobody_has_to_press_anything(watch: Room) -> None:
    browser = watch.browser()
    asked = browser.get("/login?next=/account", headers={"User-Agent": PHONE})
    sent = browser.get(asked.headers["Location"], headers={"User-Agent": PHONE}).headers["Location"]
    query = query_of(sent)
    assert sent.startswith(f"{watch.story.cloud.url}/connect/oauth2/authorize?")
    assert sent.endswith("#wechat_redirect")
    assert query["scope"] == "snsapi_base"
    assert query["redirect_uri"] == "https://patrol.example.org/login/wecom"
    assert query["state"].isalnum()


def test_a_member_of_the_register_is_let_in_and_goes_where_he_wanted(watch: Room) -> None:
    browser = watch.browser()
    browser.get("/login/wecom/start?next=/account", headers={"User-Agent": PHONE})
    welcomed = browser.get(watch.code_for(browser, "leader"))
    assert welcomed.headers["Location"] == "/"
    assert "李局" in browser.get("/account").text


def test_on_a_desktop_the_phone_scans_a_code(watch: Room) -> None:
    browser = watch.browser()
    page = browser.get("/login", headers={"User-Agent": DESKTOP})
    assert "/login/wecom/start?next=%2F" in page.text
    sent = browser.get("/login/wecom/start", headers={"User-Agent": DESKTOP}).headers["Location"]
    assert sent.startswith(f"{watch.story.cloud.url}/wwlogin/sso/login?")
    assert query_of(sent)["login_type"] == "CorpApp"
    assert browser.get(watch.code_for(browser, "staff", DESKTOP)).status_code == 302


def test_a_word_of_another_browser_is_refused(watch: Room) -> None:
    """Else somebody could sign others in as himself."""
    mine, other = watch.browser(), watch.browser()
    address = watch.code_for(mine, "leader")
    assert other.get(address).status_code == 403
    assert other.get("/").status_code == 302


def test_a_word_is_good_for_one_sign_in(watch: Room) -> None:
    browser = watch.browser()
    address = watch.code_for(browser, "leader")
    kept = browser.get_cookie("patrol", domain="patrol.example.org")
    assert kept is not None
    assert browser.get(address).status_code == 302
    other = watch.browser()
    other.set_cookie("patrol", kept.value, domain="patrol.example.org")
    fresh = watch.code_for(watch.browser(), "leader")
    again = f"/login/wecom?code={query_of(fresh)['code']}&state={query_of(address)['state']}"
    refused = other.get(again)
    assert refused.status_code == 403
    assert "失效" in refused.text


def test_a_code_that_was_used_shows_a_clear_page(watch: Room) -> None:
    browser = watch.browser()
    address = watch.code_for(browser, "leader")
    watch.story.cloud.sign_in_codes.redeem(query_of(address)["code"], watch.story.cloud.now())
    refused = browser.get(address)
    assert refused.status_code == 403
    assert "失效" in refused.text


def test_who_is_no_member_or_not_in_the_register_sees_why(watch: Room) -> None:
    watch.story.cloud.add_member("somebody")
    outside, unknown = watch.browser(), watch.browser()
    assert "不是本单位企业微信的成员" in outside.get(watch.code_for(outside, "openid:o1")).text
    page = unknown.get(watch.code_for(unknown, "somebody"))
    assert (page.status_code, "绑定码" in page.text) == (403, True)
    assert unknown.get("/").status_code == 302


def test_a_stolen_session_is_dead_after_the_sign_out(watch: Room) -> None:
    browser, thief = watch.signed_in("leader"), watch.browser()
    kept = browser.get_cookie("patrol", domain="patrol.example.org")
    assert kept is not None
    thief.set_cookie("patrol", kept.value, domain="patrol.example.org")
    assert thief.get("/").status_code == 200
    assert browser.act("/account/leave").status_code == 302
    assert thief.get("/").status_code == 302


def test_everywhere_means_every_browser(watch: Room) -> None:
    phone, desk, other = watch.signed_in("leader"), watch.signed_in("leader"), watch.signed_in("staff")
    assert desk.act("/account/leave-everywhere").status_code == 302
    assert [each.get("/").status_code for each in (phone, desk, other)] == [302, 302, 200]


def test_who_leaves_the_register_is_out_at_once(watch: Room) -> None:
    browser = watch.signed_in("staff")
    with watch.story.office() as store:
        store.register.people_with_role("工作人员")[0].active = False
    assert browser.get("/").status_code == 302


def test_an_action_without_the_token_of_its_page_is_refused(watch: Room) -> None:
    browser = watch.signed_in("leader")
    assert browser.post("/account/leave", headers={"Referer": "https://patrol.example.org/account"}).status_code == 400
    assert browser.get("/").status_code == 200


def test_the_sign_in_leads_to_no_other_site(watch: Room) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx"):
        browser = watch.browser()
        browser.get("/login/wecom/start", query_string={"next": wanted}, headers={"User-Agent": PHONE})
        page = browser.get("/login", query_string={"next": wanted, "by": "hand"}).text
        assert 'name="next" value="/"' in page


def test_every_answer_says_what_a_page_may_do(watch: Room) -> None:
    headers = watch.browser().get("/login").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "max-age" in headers["Strict-Transport-Security"]
    cookie = headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax"))
