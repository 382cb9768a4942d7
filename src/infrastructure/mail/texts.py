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
from domain.mail.kinds import LANGUAGES, MailKind

_PACKAGE = PackageLoader("infrastructure.mail")
_LINKS = ("link", "second_link")
_EXAMPLE = dict.fromkeys(
    (
        *_LINKS,
        "username",
        "hours",
        "minutes",
        "new_email",
        "time",
        "device",
        "ip_address",
        "failed",
        "accounts",
        "sources",
    ),
    "example",
)
"""All values that any mail is given."""


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
        """See the port. Raises jinja2.UndefinedError for a text that speaks of a value it is not given.

        ValueError for a layout that does, or that cannot be read, naming it.
        """
        text = self._texts[language][kind.value]
        said = {name: self._said(value, values) for name, value in text.items()}
        subject = " ".join(str(said.pop("subject")).split())
        page = {
            "second_button": "",
            "button": "",
            "notes": [],
            **{name: values.get(name, "") for name in _LINKS},
            **self._texts[language]["common"],
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
        """Write every mail once, so that a mistake in a template shows at the start. Raises ValueError, naming it."""
        for language in LANGUAGES:
            for kind in MailKind:
                try:
                    self.write(kind, language, _EXAMPLE)
                except (TemplateError, KeyError, OSError, ValueError, TypeError, AttributeError) as error:
                    where = f"[{kind.value}] of {language}.toml"
                    raise ValueError(f"a mail cannot be written: {where}: {type(error).__name__}: {error}") from None

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
                if kind not in texts:
                    raise ValueError(f"{own}: [{kind}] is no mail of ours")
                texts[kind] = {**texts[kind], **text}
        return texts

    def _laid_out(self, name: str, page: Mapping[str, object]) -> str:
        try:
            return self._layouts.get_template(name).render(page)
        except TemplateError as error:
            raise ValueError(f"{name}: {error}") from None

    def _said(self, value: str | Sequence[str], values: Mapping[str, str]) -> str | list[str]:
        """A sentence, or several, with its values."""
        if not isinstance(value, str):
            return [str(self._said(each, values)) for each in value]
        return self._sentences.from_string(value).render(values)
