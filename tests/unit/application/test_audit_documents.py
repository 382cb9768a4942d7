"""An entry as it is read, whatever became of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from application.audit.documents import entry_line, opened, read_entry
from application.audit.ports import KeptEntry
from domain.audit.chain import GENESIS, Link
from infrastructure.audit.personal import AesGcmPersonalCipher

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
CIPHER = AesGcmPersonalCipher()
ENTRY = {
    "event": "e-1",
    "type": "log_in.failed",
    "at": "2030-01-01T12:00:00.000000Z",
    "user": "u-1",
    "session": "s-1",
    "request": "r-1",
    "data": {"reason": "a reason", "rule": "a rule"},
}
PERSONAL = {"ip": "192.0.2.1", "user_agent": "a browser", "data": {"email": "ada@example.com", "rule": "hers"}}
IN_CLEAR = {
    "sequence": 7,
    "id": "e-1",
    "type": "log_in.failed",
    "at": "2030-01-01T12:00:00.000000Z",
    "user_id": "u-1",
    "session_id": "s-1",
    "request_id": "r-1",
    "ip_address": None,
    "user_agent": None,
    "data": {"reason": "a reason", "rule": "a rule"},
}


def kept(entry: str | None = None, personal: bytes | None = None, key: bytes | None = KEY) -> KeptEntry:
    if personal is None:
        personal = CIPHER.seal(KEY, json.dumps(PERSONAL).encode(), "e-1")
    link = Link.after(GENESIS, 7, json.dumps(ENTRY) if entry is None else entry, personal)
    return KeptEntry(link=link, key=key)


def test_what_is_personal_is_read_where_it_can_be_had() -> None:
    assert read_entry(kept(), CIPHER) == {
        **IN_CLEAR,
        "ip_address": "192.0.2.1",
        "user_agent": "a browser",
        "data": {"reason": "a reason", "rule": "hers", "email": "ada@example.com"},
        "personal": "readable",
    }


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (kept(personal=b""), "none"),
        (kept(personal=b"", key=None), "none"),
        (kept(key=None), "erased"),
        (kept(key=OTHER_KEY), "altered"),
        (replace(kept(key=None), is_key_damaged=True), "altered"),
        (kept(personal=b"of nothing"), "altered"),
        (kept(personal=CIPHER.seal(KEY, b"{}", "e-2")), "altered"),
    ],
)
def test_what_cannot_be_had_is_said_to_be_so(entry: KeptEntry, state: str) -> None:
    assert read_entry(entry, CIPHER) == {**IN_CLEAR, "personal": state}
    assert opened(entry, CIPHER) is None
    assert entry_line(entry, CIPHER)["opened"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", '"text"'])
def test_g04_what_somebody_made_of_an_entry_says_nothing(text: str) -> None:
    shown: dict[str, Any] = dict.fromkeys(IN_CLEAR)
    assert read_entry(kept(entry=text), CIPHER) == {**shown, "sequence": 7, "data": {}, "personal": "altered"}
    assert entry_line(kept(entry=text), CIPHER)["entry"] == text


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]"])
def test_what_was_sealed_and_is_no_object_says_nothing(text: bytes) -> None:
    entry = kept(personal=CIPHER.seal(KEY, text, "e-1"))
    assert read_entry(entry, CIPHER) == {**IN_CLEAR, "personal": "readable"}
    assert opened(entry, CIPHER) == {}
