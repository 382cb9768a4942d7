"""Every mail is written in every language, says what it is given, loads nothing, and is the operator's to change."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from application.mail.ports import MailText
from bootstrap.mail import mail_writer_of
from domain.mail.kinds import LANGUAGES, VALUES, MailKind
from infrastructure.mail.texts import TemplateMailWriter
from tests.support.application import settings_for
from tests.support.documents import OPERATOR_GUIDE

LINK, SECOND = "https://auth.example.test/do?token=abc_DEF-123", "https://auth.example.test/undo?token=abc_DEF-123"
KNOWN: Mapping[str, str] = {
    "link": LINK,
    "second_link": SECOND,
    "username": "ada.lovelace",
    "hours": "24",
    "minutes": "30",
    "new_email": "ada@new.example.test",
    "time": "25 November 2026 at 19:02 (UTC)",
    "device": "Firefox on Windows",
    "ip_address": "203.0.113.7",
    "failed": "90",
    "accounts": "80",
    "sources": "30",
}
ALL = [(kind, language) for kind in MailKind for language in LANGUAGES]


def values_of(kind: MailKind) -> dict[str, str]:
    """Those that the mail is given: the stand-in for the writer holds every subscriber to them."""
    return {name: KNOWN[name] for name in VALUES[kind]}


def written(
    kind: MailKind, language: str = "en", *, folder: Path | None = None, service: str = "CRM", **values: str
) -> MailText:
    writer = TemplateMailWriter(service=service, folder=folder)
    return writer.write(kind, language, values_of(kind) | values)


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_mail_in_every_language(kind: MailKind, language: str) -> None:
    mail = written(kind, language)

    assert mail.language == language
    assert mail.subject
    assert "\n" not in mail.subject
    for body in (mail.text, mail.html):
        assert ("ada.lovelace" in body) == (kind is not MailKind.CREDENTIAL_STUFFING), "that one is to the operator"
        assert "{{" not in body
        assert "None," not in body
        for link in {"link", "second_link"} & VALUES[kind]:
            assert KNOWN[link] in body


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_link_is_called_something(kind: MailKind, language: str) -> None:
    mail = written(kind, language)

    assert not re.search(r"<a\b[^>]*>\s*</a>", mail.html)
    assert not re.search(r"^\W*$\n^https:", mail.text, re.MULTILINE)


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_nothing_is_loaded_from_anywhere(kind: MailKind, language: str) -> None:
    """A picture that is fetched tells its owner who read the mail, and when."""
    html = written(kind, language).html

    assert not re.search(r"<(img|script|link|iframe|object|embed|video|audio|base|form)\b|@import|url\(|\bsrc=", html)
    assert set(re.findall(r"https?://[^\s\"<]+", html)) <= {LINK, SECOND}


def test_languages_differ() -> None:
    for kind in MailKind:
        assert len({written(kind, language).subject for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("kind", list(MailKind))
def test_values_are_text_and_no_html(kind: MailKind) -> None:
    value = "accounts" if kind is MailKind.CREDENTIAL_STUFFING else "username"
    mail = written(kind, **{value: '<b onclick="x">&{{ 7 * 6 }}'})

    assert "&lt;b onclick=&#34;x&#34;&gt;&amp;{{ 7 * 6 }}" in mail.html
    assert '<b onclick="x">&{{ 7 * 6 }}' in mail.text


def test_s09_a_subject_is_one_line(tmp_path: Path) -> None:
    """S09: whatever an operator's text puts into it."""
    (tmp_path / "en.toml").write_text('[new_device]\nsubject = "Hello\\r\\n {{ username }}"\n')

    mail = written(MailKind.NEW_DEVICE, folder=tmp_path, username="ada\r\nBcc: victim@example.test")

    assert mail.subject == "Hello ada Bcc: victim@example.test"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_of_a_device_is_not_told(language: str) -> None:
    text = written(MailKind.NEW_DEVICE, language, device="", ip_address="").text.lower()

    assert {"en": "unknown device.", "de": "unbekanntes gerät.", "fr": "appareil inconnu."}[language] in text


def test_of_a_text_that_an_operator_leaves_out_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_text('[reset_password]\nsubject = "Hallo {{ username }}"\n')

    mail = written(MailKind.RESET_PASSWORD, "de", folder=tmp_path)

    assert mail.subject == "Hallo ada.lovelace"
    assert mail.text == written(MailKind.RESET_PASSWORD, "de").text
    assert written(MailKind.RESET_PASSWORD, "en", folder=tmp_path) == written(MailKind.RESET_PASSWORD, "en")
    assert written(MailKind.NEW_DEVICE, "de", folder=tmp_path) == written(MailKind.NEW_DEVICE, "de")


def test_the_example_of_the_operator_guide(tmp_path: Path) -> None:
    example = OPERATOR_GUIDE.code("toml", section="Mail")
    (tmp_path / "en.toml").write_text(example)

    mail = mail_writer_of(settings_for("postgresql://nowhere", mail_templates=tmp_path)).write(
        MailKind.RESET_PASSWORD, "en", values_of(MailKind.RESET_PASSWORD)
    )

    assert mail.subject == "A new password for ada.lovelace"
    assert "Here is the way to it." in mail.text
    assert "within 30 minutes" in mail.text


def test_a_layout_of_the_operator_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<h1>{{ heading }}</h1><p>{{ service }}</p>")

    mail = written(MailKind.NEW_DEVICE, folder=tmp_path, service="Ada & Co")

    assert mail.html == "<h1>A new device signed in</h1><p>Ada &amp; Co</p>"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("en.toml", "not toml at all"),
        ("fr.toml", '[reset_password]\nsubject = "{{ username"\n'),
        ("de.toml", '[reset_password]\nsubject = "{{ user_name }}"\n'),
        ("en.toml", '[reset_pasword]\nsubject = "x"\n'),
        ("en.toml", "[reset_password]\nsubject = 7\n"),
        ("mail.html", "{% for x in %}"),
        ("mail.txt", "{{ headline }}"),
    ],
)
def test_a_mistake_shows_at_the_start_with_its_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)

    assert re.search("a mail cannot be written: .*" + re.escape(name), refusal(tmp_path))


@pytest.mark.parametrize(
    ("section", "line", "key"),
    [
        ("password_changed", 'paragraphs = ["Undo it: {{ link }}"]', "paragraphs"),
        ("reset_password", 'subject = "Within {{ hours }} hours"', "subject"),
        ("new_device", 'paragraphs = ["{% if device %}{{ device }}{% else %}{{ browser }}{% endif %}"]', "paragraphs"),
        ("reset_password", 'paragrafs = ["A letter short"]', "paragrafs"),
        ("password_changed", 'button = "Undo it"', "button"),
        ("reset_password", 'second_button = "This was not me"', "second_button"),
        ("common", 'subject = "Hello"', "subject"),
        ("reset_password", 'paragraphs = "A text, of which each letter would be one"', "paragraphs"),
        ("reset_password", "notes = [30]", "notes"),
        ("common", "footer = 7", "footer"),
    ],
)
def test_a_mistake_in_a_text_shows_with_file_section_and_key(tmp_path: Path, section: str, line: str, key: str) -> None:
    """Each mail is tried with what it will be given, and not with what others are."""
    (tmp_path / "en.toml").write_text(f"[{section}]\n{line}\n")

    assert all(each in refusal(tmp_path) for each in ("en.toml", f"[{section}]", key))


def test_a_section_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('reset_password = "Hello"\n')

    assert "[reset_password] is no section" in refusal(tmp_path)


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError, match="a mail cannot be written: ") as refused:
        mail_writer_of(settings_for("postgresql://nowhere", mail_templates=folder))
    return str(refused.value)


@pytest.mark.parametrize("name", ["no/such/folder", "a-file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()

    with pytest.raises(ValueError, match=re.escape(name)):
        mail_writer_of(settings_for("postgresql://nowhere", mail_templates=tmp_path / name))
