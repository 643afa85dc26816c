"""Sign-in through WeCom, sessions and their end."""

from __future__ import annotations

from tests.web.parts import PHONE, Dashboard, query_of

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def test_all_pages_but_the_public_ones_require_a_sign_in(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    assert browser.get("/").headers["Location"] == "/login"
    assert browser.get("/account?x=1").headers["Location"] == "/login?next=%2Faccount%3Fx%3D1"
    assert browser.get("/no/such/page").headers["Location"].startswith("/login?next=")
    assert browser.post("/account/leave").status_code == 401
    assert browser.get("/login").status_code == 200
    assert browser.get("/health/live").status_code == 200
    assert browser.get("/metrics").status_code == 200
    assert browser.get("/callbacks/wecom_app").status_code == 403


def test_sign_in_inside_wecom_needs_no_click(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    asked = browser.get("/login?next=/account", headers={"User-Agent": PHONE})
    sent = browser.get(asked.headers["Location"], headers={"User-Agent": PHONE}).headers["Location"]
    query = query_of(sent)
    assert sent.startswith(f"{dashboard.story.cloud.url}/connect/oauth2/authorize?")
    assert sent.endswith("#wechat_redirect")
    assert query["scope"] == "snsapi_base"
    assert query["redirect_uri"] == "https://patrol.example.org/login/wecom"
    assert query["state"].isalnum()


def test_sign_in_through_wecom_returns_to_the_requested_page(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    back = browser.get(dashboard.code_for(browser, "leader", next_url="/account"))
    assert back.headers["Location"] == "/account"
    assert "李局" in browser.get("/account").text


def test_sign_in_on_a_desktop_uses_a_qr_code(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    page = browser.get("/login", headers={"User-Agent": DESKTOP})
    assert "/login/wecom/start?next=%2F" in page.text
    sent = browser.get("/login/wecom/start", headers={"User-Agent": DESKTOP}).headers["Location"]
    assert sent.startswith(f"{dashboard.story.cloud.url}/wwlogin/sso/login?")
    assert query_of(sent)["login_type"] == "CorpApp"
    assert browser.get(dashboard.code_for(browser, "staff", DESKTOP)).status_code == 302


def test_the_state_of_another_browser_is_refused(dashboard: Dashboard) -> None:
    """Otherwise an attacker could sign other people in under the attacker's account."""
    mine, other = dashboard.browser(), dashboard.browser()
    address = dashboard.code_for(mine, "leader")
    assert other.get(address).status_code == 403
    assert other.get("/").status_code == 302


def test_a_state_is_valid_once(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    address = dashboard.code_for(browser, "leader")
    kept = browser.get_cookie("patrol", domain="patrol.example.org")
    assert kept is not None
    assert browser.get(address).status_code == 302
    other = dashboard.browser()
    other.set_cookie("patrol", kept.value, domain="patrol.example.org")
    fresh = dashboard.code_for(dashboard.browser(), "leader")
    again = f"/login/wecom?code={query_of(fresh)['code']}&state={query_of(address)['state']}"
    refused = other.get(again)
    assert refused.status_code == 403
    assert "失效" in refused.text


def test_a_used_code_shows_an_error_page(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    address = dashboard.code_for(browser, "leader")
    dashboard.story.cloud.sign_in_codes.redeem(query_of(address)["code"], dashboard.story.cloud.now())
    refused = browser.get(address)
    assert refused.status_code == 403
    assert "失效" in refused.text


def test_unknown_accounts_are_told_why_they_are_refused(dashboard: Dashboard) -> None:
    dashboard.story.cloud.add_member("somebody")
    outside, unknown = dashboard.browser(), dashboard.browser()
    assert "不是本单位企业微信的成员" in outside.get(dashboard.code_for(outside, "openid:o1")).text
    page = unknown.get(dashboard.code_for(unknown, "somebody"))
    assert (page.status_code, "绑定码" in page.text) == (403, True)
    assert unknown.get("/").status_code == 302


def test_a_copied_cookie_is_invalid_after_signing_out(dashboard: Dashboard) -> None:
    browser, thief = dashboard.signed_in("leader"), dashboard.browser()
    kept = browser.get_cookie("patrol", domain="patrol.example.org")
    assert kept is not None
    thief.set_cookie("patrol", kept.value, domain="patrol.example.org")
    assert thief.get("/").status_code == 200
    assert browser.act("/account/leave").status_code == 302
    assert thief.get("/").status_code == 302


def test_signing_out_everywhere_ends_all_sessions(dashboard: Dashboard) -> None:
    phone, desk, other = dashboard.signed_in("leader"), dashboard.signed_in("leader"), dashboard.signed_in("staff")
    assert desk.act("/account/leave-everywhere").status_code == 302
    assert [each.get("/").status_code for each in (phone, desk, other)] == [302, 302, 200]


def test_a_person_who_left_is_signed_out_at_once(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("staff")
    with dashboard.story.office() as store:
        store.register.people_with_role("工作人员")[0].active = False
    assert browser.get("/").status_code == 302


def test_an_action_without_csrf_token_is_refused(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("leader")
    assert browser.post("/account/leave", headers={"Referer": "https://patrol.example.org/account"}).status_code == 400
    assert browser.get("/").status_code == 200


def test_the_sign_in_redirects_to_local_pages_only(dashboard: Dashboard) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx"):
        browser = dashboard.browser()
        browser.get("/login/wecom/start", query_string={"next": wanted}, headers={"User-Agent": PHONE})
        page = browser.get("/login", query_string={"next": wanted, "by": "hand"}).text
        assert 'name="next" value="/"' in page


def test_every_response_has_security_headers(dashboard: Dashboard) -> None:
    headers = dashboard.browser().get("/login").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "max-age" in headers["Strict-Transport-Security"]
    cookie = headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax"))
