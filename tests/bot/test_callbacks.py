"""The callback of the self-built app: what is accepted, what is refused, and that a refusal leaves no trace."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.errors import CallbackRejected
from bot.channels.wecom_api import crypto
from bot.config import load_config
from bot.devtools.simulator import Cloud, serve
from bot.devtools.simulator.core.crypto import encrypt, sign
from storage.db.models import InboxRow
from tests.bot.parts import Edge, fresh_clock, packed, run_edge, sealed, signed
from tests.harness import HandClock, config_for

SAMPLE = json.loads((Path(__file__).parent.parent / "samples" / "tencent_callback.json").read_text("utf-8"))
URL = "/callbacks/wecom_app"
XML = b"<xml><FromUserName>a</FromUserName><CreateTime>1795000000</CreateTime><MsgType>text</MsgType></xml>"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def post(edge: Edge, query: str, body: bytes, **how: Any) -> int:
    return int(edge.client.post(f"{URL}?{query}", data=body, **how).status_code)


def refusal(edge: Edge, query: str, body: bytes) -> tuple[int, str]:
    """Post a callback that must not be stored; the status, and the reason under which it was counted."""
    before, stored = edge.counted(), [row.id for row in edge.inbox()]
    status = post(edge, query, body)
    [reason] = (edge.counted() - before).elements()
    assert [row.id for row in edge.inbox()] == stored
    assert edge.engine.take_over(set()) == set()
    return status, reason


# --- verification


def test_the_url_is_verified_with_exactly_the_plain_bytes(edge: Edge) -> None:
    assert edge.cloud.verify_url(lambda query: _get(edge, query))


def test_a_plus_that_came_as_a_space_is_put_back(edge: Edge) -> None:
    """The ciphertext is tried until it holds a plus, which then is not quoted."""
    app = edge.cloud.app
    echostr = next(
        found for found in (encrypt(app.encoding_aes_key, b"4711", app.corp_id) for _ in range(999)) if "+" in found
    )
    timestamp = f"{edge.clock.instant.timestamp():.0f}"
    signature = sign(app.token, timestamp, "n", echostr)
    rest = urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": "n"})
    assert _get(edge, f"{rest}&echostr={echostr.replace('/', '%2F').replace('=', '%3D')}") == (200, b"4711")


def test_a_verification_with_a_wrong_signature_is_refused(edge: Edge) -> None:
    app = edge.cloud.app
    echostr = encrypt(app.encoding_aes_key, b"4711", app.corp_id)
    query = urlencode({"msg_signature": "0" * 40, "timestamp": "1", "nonce": "n", "echostr": echostr})
    assert _get(edge, query) == (403, b"")
    assert _get(edge, "")[0] == 403


def _get(edge: Edge, query: str) -> tuple[int, bytes]:
    answer = edge.client.get(f"{URL}?{query}")
    return answer.status_code, answer.data


# --- the platform's published samples


@pytest.fixture
def tencent(tmp_path: Path, cloud: Cloud, clock: HandClock) -> Iterator[Edge]:
    """A bot with the settings of the published sample."""
    cloud.configure(token=SAMPLE["token"], encoding_aes_key=SAMPLE["encoding_aes_key"], corp_id=SAMPLE["corp_id"])
    with run_edge(tmp_path, cloud, clock) as edge:
        yield edge


def test_the_published_verification_is_answered(tencent: Edge) -> None:
    sample = SAMPLE["url_verification"]
    tencent.clock.instant = datetime.fromtimestamp(int(sample["timestamp"]), UTC)
    query = {name: sample[name] for name in ("msg_signature", "timestamp", "nonce", "echostr")}
    assert _get(tencent, urlencode(query)) == (200, sample["plain"].encode())


def test_the_published_message_is_stored_until_it_is_a_day_old(tencent: Edge) -> None:
    sample = SAMPLE["message"]
    query = urlencode({name: sample[name] for name in ("msg_signature", "timestamp", "nonce")})
    body = sample["body"].replace("{encrypt}", sample["encrypt"]).encode()
    tencent.clock.instant = datetime.fromtimestamp(int(sample["timestamp"]), UTC) + timedelta(days=1, seconds=1)
    assert post(tencent, query, body) == 403
    assert tencent.inbox() == []
    tencent.clock.instant -= timedelta(seconds=1)
    assert post(tencent, query, body) == 200
    assert [row.raw for row in tencent.inbox()] == [sample["plain"]]


def test_a_machine_whose_clock_is_behind_takes_every_callback(tencent: Edge) -> None:
    sample = SAMPLE["message"]
    query = urlencode({name: sample[name] for name in ("msg_signature", "timestamp", "nonce")})
    tencent.clock.instant = datetime(1970, 1, 2, tzinfo=UTC)
    assert post(tencent, query, sample["body"].replace("{encrypt}", sample["encrypt"]).encode()) == 200


def test_a_message_replayed_as_a_verification_is_not_decrypted_for_its_sender(tencent: Edge) -> None:
    sample = SAMPLE["message"]
    tencent.clock.instant = datetime.fromtimestamp(int(sample["timestamp"]), UTC)
    query = {name: sample[name] for name in ("msg_signature", "timestamp", "nonce")}
    assert _get(tencent, urlencode({**query, "echostr": sample["encrypt"]})) == (403, b"")


def test_a_verification_can_be_replayed_for_a_day_only(tencent: Edge) -> None:
    sample = SAMPLE["url_verification"]
    query = urlencode({name: sample[name] for name in ("msg_signature", "timestamp", "nonce", "echostr")})
    tencent.clock.instant = datetime.fromtimestamp(int(sample["timestamp"]), UTC) + timedelta(days=2)
    assert _get(tencent, query) == (403, b"")


def test_the_key_has_spare_bits_which_a_strict_decoder_would_refuse() -> None:
    config = load_config({"WECOM_ENCODING_AES_KEY": SAMPLE["encoding_aes_key"]} | _app(), Path("/nowhere"))
    assert config.WECOM_ENCODING_AES_KEY.get_secret_value() == SAMPLE["encoding_aes_key"]


def _app() -> dict[str, str]:
    return {"WECOM_CORP_ID": "c", "WECOM_AGENT_ID": "1", "WECOM_APP_SECRET": "s", "WECOM_CALLBACK_TOKEN": "t"}


# --- taken


def test_a_message_is_heard_once_however_often_it_comes(edge: Edge) -> None:
    sent = edge.cloud.phone("zhangsan").says("你好")
    before = edge.counted()["duplicate"]
    sent.repeat().repeat()
    assert sent.statuses == [200, 200, 200]
    assert len(edge.inbox()) == 1
    assert edge.counted()["duplicate"] == before + 2
    edge.settle()
    assert len(edge.notices()) == 1


@pytest.mark.parametrize("cdata", [True, False])
@pytest.mark.parametrize("odd", [True, False])
def test_cdata_whitespace_and_unknown_elements_make_no_difference(edge: Edge, cdata: bool, odd: bool) -> None:
    style = edge.cloud.callback_sender.xml_style
    style.cdata, style.extra_elements, style.odd_whitespace = cdata, odd, odd
    assert edge.cloud.phone("zhangsan").says("罐区 <1> & 2").status == 200
    parsed = edge.bot.channels.receivers["wecom_app"].parse(edge.inbox()[0].raw, 1, edge.clock.now())
    assert (parsed.text, parsed.sender, parsed.kind) == ("罐区 <1> & 2", "zhangsan", "text")


def test_an_unknown_type_is_kept_and_answered(edge: Edge) -> None:
    assert edge.cloud.phone("zhangsan").sends_raw({"MsgType": "hologram", "Thing": "x"}).status == 200
    edge.settle()
    assert [row.state for row in edge.inbox()] == ["done"]
    assert edge.cloud.phone("zhangsan").received != []


def test_an_old_timestamp_is_no_reason_to_refuse(edge: Edge) -> None:
    assert edge.cloud.phone("zhangsan").says("迟到的话", at=1_409_659_813).status == 200


def test_events_of_one_second_are_told_apart(edge: Edge) -> None:
    phone = edge.cloud.phone("zhangsan")
    for key in ("a", "a", "b"):
        phone.sends_event("click", {"EventKey": key}, at=1_795_000_000)
    assert len(edge.inbox()) == 2


def test_callbacks_of_further_corps_are_taken_and_of_others_not(tmp_path: Path, cloud: Cloud, clock: HandClock) -> None:
    config = config_for(cloud, tmp_path).model_copy(update={"WECOM_ACCEPTED_CORP_IDS": ("wwpartner",)})
    with run_edge(tmp_path, cloud, clock, config) as edge:
        for corp, status in (("wwpartner", 200), ("wwstranger", 403)):
            ciphertext = encrypt(cloud.app.encoding_aes_key, XML, corp)
            assert post(edge, *signed(cloud, ciphertext)) == status
        assert len(edge.inbox()) == 1


# --- refused


def test_a_missing_or_wrong_signature_is_refused(edge: Edge) -> None:
    query, body = edge.cloud.callback_sender.envelope(XML.decode())
    assert refusal(edge, query.replace("msg_signature=", "msg_signature=0"), body) == (403, "signature")
    assert refusal(edge, query.replace("msg_signature=", "other="), body) == (403, "signature")
    assert refusal(edge, "", body) == (403, "signature")
    assert refusal(edge, query.replace("nonce=", "nonce=1"), body) == (403, "signature")


def test_a_foreign_corp_is_refused(edge: Edge) -> None:
    ciphertext = encrypt(edge.cloud.app.encoding_aes_key, XML, "wwstranger")
    assert refusal(edge, *signed(edge.cloud, ciphertext)) == (403, "foreign_corp")


def test_a_body_over_256_kb_is_refused_and_one_of_just_that_is_not(edge: Edge) -> None:
    query, body = edge.cloud.callback_sender.envelope(XML.decode())
    largest = body + b" " * (256 * 1024 - len(body))
    assert refusal(edge, query, largest + b" ") == (413, "too_large")
    assert post(edge, query, largest) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"hello",
        b"<xml>",
        b"<xml/>",
        b"<xml><Encrypt/></xml>",
        b"<xml><Encrypt><a/></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b"<xml><Other>x</Other></xml>",
        b"\xff\xfe\x00",
        b"<?xml version='1.0' encoding='klingon'?><xml><Encrypt>x</Encrypt></xml>",
        f"{BOMB}<xml><Encrypt>&b;</Encrypt></xml>".encode(),
        b"<!DOCTYPE xml SYSTEM 'file:///etc/passwd'><xml><Encrypt>x</Encrypt></xml>",
        b"<a>" * 20_000 + b"</a>" * 20_000,
        b"<a>" * 80_000,
    ],
    ids=range(15),
)
def test_a_malformed_envelope_is_refused(edge: Edge, body: bytes) -> None:
    assert refusal(edge, "msg_signature=x&timestamp=1&nonce=n", body) == (400, "envelope")


QUARTER = 240_000


@pytest.mark.parametrize(
    "body",
    [
        b"<xml>" + b"<a/>" * (QUARTER // 4) + b"</xml>",
        b"<xml><Encrypt>QUJD</Encrypt>" + b"<a>b</a>" * (QUARTER // 8) + b"</xml>",
        b"<xml " + b" ".join(b'a%d=""' % number for number in range(QUARTER // 10)) + b"/>",
        b"<xml>" + b"<!---->" * (QUARTER // 7) + b"<Encrypt>QUJD</Encrypt></xml>",
        b"<xml>" + b"<?a?>" * (QUARTER // 5) + b"<Encrypt>QUJD</Encrypt></xml>",
        b"<xml>" + b"<Encrypt>" * (QUARTER // 9),
        b"<xml><Encrypt><![CDATA[" + b"&lt;" * (QUARTER // 4) + b"]]></Encrypt></xml>",
    ],
    ids=["siblings", "after the ciphertext", "attributes", "comments", "instructions", "ciphertexts", "entities"],
)
def test_a_large_unsigned_envelope_costs_next_to_nothing(edge: Edge, body: bytes) -> None:
    """Its signature cannot be checked before its ciphertext is found, so finding that must be cheap."""
    assert refusal(edge, "msg_signature=x&timestamp=1&nonce=n", body) == (400, "envelope")
    assert min(_cpu_s(body) for _ in range(5)) < 0.005


def _cpu_s(body: bytes) -> float:
    began = time.process_time()
    with pytest.raises(CallbackRejected):
        crypto.read_ciphertext(body)
    return time.process_time() - began


def test_a_long_ciphertext_is_read_whole(edge: Edge) -> None:
    text = "长" * 40_000
    assert edge.cloud.phone("zhangsan").says(text).status == 200
    parsed = edge.bot.channels.receivers["wecom_app"].parse(edge.inbox()[0].raw, 1, edge.clock.now())
    assert parsed.text == text


@pytest.mark.parametrize(
    ("ciphertext", "reason"), [("!not base64!", "ciphertext"), ("QUJD", "ciphertext"), ("QUJ", "ciphertext")]
)
def test_signed_nonsense_is_refused(edge: Edge, ciphertext: str, reason: str) -> None:
    assert refusal(edge, *signed(edge.cloud, ciphertext)) == (400, reason)


@pytest.mark.parametrize(
    ("length", "pad", "reason"), [(None, 0, "padding"), (None, 33, "padding"), (10**9, None, "length")]
)
def test_bad_padding_and_bad_lengths_are_refused(edge: Edge, length: int | None, pad: int | None, reason: str) -> None:
    assert refusal(edge, *sealed(edge.cloud, packed(edge.cloud, XML, length, pad))) == (400, reason)


def test_a_plain_text_too_short_for_its_length_is_refused(edge: Edge) -> None:
    assert refusal(edge, *sealed(edge.cloud, b"\x20" * 32)) == (400, "content")
    assert refusal(edge, *sealed(edge.cloud, bytes(14) + b"\x12" * 18)) == (400, "content")


@pytest.mark.parametrize(
    "xml",
    [
        "no xml",
        "",
        "<xml/>",
        f"{BOMB}<xml>&b;</xml>",
        "<!DOCTYPE xml><xml><MsgType>text</MsgType></xml>",
        "<xml><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName/><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><CreateTime>1</CreateTime></xml>",
        "<xml><FromUserName>a</FromUserName><CreateTime>soon</CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><CreateTime>9" + "9" * 30 + "</CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><CreateTime><b>1</b></CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName><b>a</b></FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><CreateTime>1</CreateTime><MsgType><b>x</b></MsgType></xml>",
        "<a>" * 5_000 + "</a>" * 5_000,
    ],
    ids=range(15),
)
def test_content_that_says_nothing_is_refused(edge: Edge, xml: str) -> None:
    assert refusal(edge, *edge.cloud.callback_sender.envelope(xml)) == (400, "content")


def test_a_field_that_is_no_text_is_handled(edge: Edge) -> None:
    """Well-formed, of a known type, and yet not as documented: kept, answered, handled."""
    edge.cloud.phone("zhangsan").sends_raw({"Content": {"Inner": "x"}, "MsgType": "text"})
    edge.cloud.phone("zhangsan").sends_raw({"MediaId": {"Inner": "x"}, "MsgType": "video", "Event": {"a": "b"}})
    edge.settle()
    assert [row.state for row in edge.inbox()] == ["done", "done"]


def test_the_signature_is_compared_in_constant_time() -> None:
    assert "hmac.compare_digest" in inspect.getsource(crypto.CallbackCrypto.check_signature)


def test_a_door_that_is_off_is_not_there(edge: Edge) -> None:
    assert edge.client.post("/callbacks/wecom_kf").status_code == 404
    assert edge.client.get("/callbacks/nobody").status_code == 404
    assert edge.client.put(URL).status_code == 405


# --- garbage


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    clock = fresh_clock()
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        cloud.add_member("zhangsan")
        serve(cloud)
        with run_edge(tmp_path_factory.mktemp("besieged"), cloud, clock) as edge:
            yield edge


FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(query=st.binary(max_size=200), body=st.binary(max_size=400))
def test_unsigned_garbage_is_never_our_fault(besieged: Edge, query: bytes, body: bytes) -> None:
    environ = {"QUERY_STRING": query.decode("latin1")}
    for method in ("GET", "POST"):
        answer = besieged.client.open(URL, method=method, data=body, environ_overrides=environ)
        assert answer.status_code in (400, 403)


@pytest.mark.slow
@FUZZ
@given(inner=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)), whole=st.booleans())
def test_signed_garbage_is_never_our_fault(besieged: Edge, inner: bytes, whole: bool) -> None:
    plain = packed(besieged.cloud, inner) if whole else inner + bytes(-len(inner) % 16)
    assert post(besieged, *sealed(besieged.cloud, plain)) in (200, 400, 403)


@pytest.mark.slow
@FUZZ
@given(
    fields=st.dictionaries(
        st.sampled_from(["FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "Content", "MediaId"]),
        st.one_of(
            st.sampled_from(["text", "video", "event", "1795000000", "-1", "zhangsan", "x"]),
            st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12),
        ),
    )
)
def test_odd_but_well_formed_messages_are_kept_or_refused(besieged: Edge, fields: dict[str, str]) -> None:
    xml = besieged.cloud.callback_sender.to_xml(fields)
    status = post(besieged, *besieged.cloud.callback_sender.envelope(xml))
    assert status in (200, 400)
    besieged.settle()
    assert all(row.attempts == 0 for row in besieged.rows(InboxRow))
