"""Mails in words: texts by language, laid out once as plain text and once as HTML."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from application.mail.ports import MailText
from domain.mail.kinds import LANGUAGES, MAY_BE_EMPTY, VALUES, MailKind

_PACKAGE = PackageLoader("infrastructure.mail")
_LINKS = {"link": "button", "second_link": "second_button"}
"""Each with what it is called in the mail."""
_TEXTS = ("subject", "heading")
_LISTS = ("paragraphs", "notes")
_COMMON = "common"
_COMMON_TEXTS: Sequence[str] = ("footer", "copy_link")
_EXAMPLE = "example"
_MISTAKES = (TemplateError, KeyError, OSError, ValueError, TypeError, AttributeError)


class TemplateMailWriter:
    """MailWriter over ``<language>.toml`` (what is said), ``mail.txt`` and ``mail.html`` (how it looks).

    A file of the same name in ``folder`` takes the place of ours; of a text that it does not have, ours stays.
    Values are plain text: the HTML escapes them, the subject has no line breaks (S09).
    """

    def __init__(self, *, service: str, folder: Path | None = None) -> None:
        """``service`` is what the mails call the service. Raises ValueError for texts that cannot be read."""
        self._service = service
        self._folder = folder
        loaders = [*([FileSystemLoader(folder)] if folder else []), _PACKAGE]
        # What is put into a text is escaped where the text is put into the page; escaping it twice would show.
        self._layouts = Environment(
            loader=ChoiceLoader(loaders), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
        )
        self._sentences = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701 - see above

    def write(self, kind: MailKind, language: str, values: Mapping[str, str]) -> MailText:
        """See the port. Raises ValueError for a text or a layout that speaks of a value it is not given, naming it."""
        text = self._texts[language][kind.value]
        said = {name: self._said(name, value, values) for name, value in text.items()}
        subject = " ".join(str(said.pop("subject")).split())
        page = {
            # What a link is called is to be missed where there is the link.
            **{called: "" for link, called in _LINKS.items() if link not in values},
            "notes": [],
            **{name: values.get(name, "") for name in _LINKS},
            **self._texts[language][_COMMON],
            **said,
            "service": self._service,
            "language": language,
            "subject": subject,
        }
        return MailText(
            language=language,
            subject=subject,
            text=self._laid_out("mail.txt", page).strip() + "\n",
            html=self._laid_out("mail.html", page),
        )

    def check(self) -> None:
        """Write every mail, so that a mistake in a template shows at the start. Raises ValueError, naming it.

        With the values it will be given, once with all of them known and once with what may be unknown left empty.
        """
        for language in LANGUAGES:
            for kind in MailKind:
                for empty in (frozenset[str](), MAY_BE_EMPTY):
                    values = {name: "" if name in empty else _EXAMPLE for name in VALUES[kind]}
                    try:
                        self.write(kind, language, values)
                    except _MISTAKES as error:
                        where = f"[{kind.value}] of {language}.toml"
                        said = f"{where}: {type(error).__name__}: {error}"
                        raise ValueError(f"a mail cannot be written: {said}") from None

    @cached_property
    def _texts(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return {language: self._of(language) for language in LANGUAGES}

    def _of(self, language: str) -> Mapping[str, Mapping[str, Any]]:
        name = f"{language}.toml"
        source, _, _ = _PACKAGE.get_source(self._layouts, name)
        texts: dict[str, dict[str, Any]] = tomllib.loads(source)
        own = self._folder / name if self._folder else None
        if own and own.is_file():
            try:
                changes = tomllib.loads(own.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueError(f"{own}: {error}") from None
            for kind, text in changes.items():
                _judge(f"{own}: [{kind}]", kind, text)
                texts[kind] = {**texts[kind], **text}
        return texts

    def _laid_out(self, name: str, page: Mapping[str, object]) -> str:
        try:
            return self._layouts.get_template(name).render(page)
        except TemplateError as error:
            raise ValueError(f"{name}: {error}") from None

    def _said(self, name: str, value: str | Sequence[str], values: Mapping[str, str]) -> str | list[str]:
        """A sentence, or several, with its values."""
        if not isinstance(value, str):
            return [str(self._said(name, each, values)) for each in value]
        try:
            return self._sentences.from_string(value).render(values)
        except TemplateError as error:
            raise ValueError(f"{name}: {error}; there are {', '.join(sorted(values))}") from None


def _judge(where: str, kind: str, text: object) -> None:
    """Refuse what an operator wrote and nobody would ever read. Raises ValueError."""
    if kind != _COMMON and kind not in set(MailKind):
        raise ValueError(f"{where} is no mail of ours")
    if not isinstance(text, Mapping):
        raise ValueError(f"{where} is no section")  # noqa: TRY004 - a mistake in a file, as the others are
    known = _COMMON_TEXTS if kind == _COMMON else _names_of(MailKind(kind))
    for name, value in text.items():
        if name not in known:
            raise ValueError(f"{where} has no {name}; there are {', '.join(known)}")
        if name in _LISTS and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            raise ValueError(f"{where} {name} must be a list of texts")
        if name not in _LISTS and not isinstance(value, str):
            raise ValueError(f"{where} {name} must be a text")


def _names_of(kind: MailKind) -> Sequence[str]:
    """What the section of a mail may have."""
    return [*_TEXTS, *_LISTS, *(called for link, called in _LINKS.items() if link in VALUES[kind])]
