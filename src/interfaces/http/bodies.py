"""JSON bodies, read strictly.

The framework's own reading takes JSON from any media type, answers 500 to broken UTF-8 and to deep nesting, lets the
last of two equal names win, and reports one problem at a time (T1, T2, T3, T5). This is its replacement, through the
hook that is made for one: a DTO, named on the handler as `dto=JsonBody[wire.Registration]`.
"""

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from json import JSONDecodeError, JSONDecoder
from json import dumps as dump_json
from typing import Any, ClassVar, NoReturn, TypeVar, cast

from litestar.di import Provide
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields

from domain.errors import InvalidInput, Violation
from interfaces.http.problems import MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, Refused

T = TypeVar("T", bound=Struct)

RefuseFields = Callable[[Mapping[str, Any]], object]
"""Raises InvalidInput for what the rules say of those fields; what it says of others that they lack is passed over."""

REFUSED_BY = "refused_by"
"""In `opt` of a route: the use case whose `refuse_fields` knows the rules of the fields of its body."""

BODY_MAX_BYTES = 16 * 1024
"""Of a body that says nothing else (D04)."""
MAX_DEPTH = 32
"""Far deeper than any body here, and far from where any interpreter stops recursing."""
MAX_VIOLATIONS = 50
"""So that a body full of unknown fields does not get an answer many times its size."""

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

# RFC 8259 11 defines no parameters; charset is tolerated where it says what is true anyway.
_MEDIA_TYPE = re.compile(rb'([a-z/+-]+)[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?', re.IGNORECASE)
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class JsonBody(AbstractDTO[T]):
    """Reads one struct; the handler gets it as `data`.

    Answers 415 for another media type, 400 for what is not JSON, and 422 with every refused field for what is JSON
    but not the struct.
    """

    media_types: ClassVar[tuple[str, ...]] = (JSON,)

    def decode_bytes(self, value: bytes) -> T:
        """The struct. Raises Refused, InvalidInput."""
        self._require_media_type(self.asgi_connection.scope["headers"])
        return read_struct(parse_json(value), self.model_type, self._refuse_fields)

    def _refuse_fields(self, given: Mapping[str, Any]) -> None:
        connection = self.asgi_connection
        if name := connection.route_handler.opt.get(REFUSED_BY):
            cast("Provide", connection.app.dependencies[name]).dependency().refuse_fields(given)

    def _require_media_type(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """T3: any other type can be sent by a form of another site without the browser asking first (A3.5.2)."""
        if media_type_of(headers) not in self.media_types:
            raise self._unsupported()

    def _unsupported(self) -> Refused:
        detail = f"The body is read as {' or '.join(self.media_types)} in UTF-8 only."
        return Refused(UNSUPPORTED_MEDIA_TYPE, detail)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Nothing to be made: the struct itself is what is read."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """The schema of the struct itself."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """None: only the framework's own backends ask."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """No: only the framework's own backends ask."""
        return False


class MergePatchBody(JsonBody[T]):
    """Reads a patch (RFC 7396) for a JSON object of no depth: a field that is absent stays, and `null` clears it.

    In the struct, a field that may be absent is `UNSET` by default. Plain JSON means the same, for those who cannot
    choose the type.
    """

    media_types = (JSON, MERGE_PATCH)

    def _unsupported(self) -> Refused:
        """With what RFC 5789 2.2 wants to be told."""
        refusal = super()._unsupported()
        return Refused(refusal.problem, refusal.detail, headers={"Accept-Patch": ", ".join(self.media_types)})


def media_type_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The one type that a body of text in UTF-8 is declared to have, in lower case, if it is one."""
    given = [value for name, value in headers if name == b"content-type"]
    match = _MEDIA_TYPE.fullmatch(given[0]) if len(given) == 1 else None
    return match[1].lower().decode() if match else None


def parse_json(body: bytes) -> Any:
    """The value of a JSON text (RFC 8259) with no name twice in an object and no number that is none.

    Raises Refused `malformed_json`.
    """
    try:
        text = body.decode("utf-8")
        _refuse_deep_nesting(text)
        value = _DECODER.decode(text)
        if "\\ud" in text.lower():
            # Half a surrogate pair is no character, and cannot be written down again.
            dump_json(value, ensure_ascii=False).encode("utf-8")
    except JSONDecodeError as error:
        raise _malformed(f"The body is not JSON from line {error.lineno}, column {error.colno}.") from None
    except UnicodeError:
        raise _malformed("The body is not Unicode text in UTF-8.") from None
    except ValueError:
        raise _malformed("The body holds a number that is none or too long, or names a field twice.") from None
    return value


def read_struct(value: Any, struct: type[T], refuse_fields: RefuseFields) -> T:
    """A decoded JSON value as a struct, without any conversion between types (L10).

    Raises InvalidInput with all violations: `missing`, `wrong_type`, `unknown_field`, and what `refuse_fields` says of
    the other fields, so that nobody mends the first kind only to be told of the second.
    """
    if not isinstance(value, dict):
        raise InvalidInput("The body is to be a JSON object.")
    try:
        return convert(value, struct)
    except ValidationError:
        violations = list(_violations(value, struct))
        violations += _violations_besides(violations, value, struct, refuse_fields)
        raise InvalidInput(violations=violations[:MAX_VIOLATIONS]) from None


def _violations(value: dict[str, Any], struct: type[Struct]) -> Iterator[Violation]:
    known = {field.encode_name: field for field in fields(struct)}
    for name, field in known.items():
        if name in value:
            try:
                convert(value[name], field.type)
            except ValidationError as error:
                yield Violation(name, "wrong_type", f"{error}.")
        elif field.required:
            yield Violation(name, "missing", "This field is required.")
    for name in value.keys() - known.keys():
        yield Violation(name.replace("~", "~0").replace("/", "~1"), "unknown_field", "There is no such field.")


def _violations_besides(
    found: Sequence[Violation], value: dict[str, Any], struct: type[Struct], refuse_fields: RefuseFields
) -> list[Violation]:
    refused = {each.field for each in found}
    known = {field.encode_name for field in fields(struct)} - refused
    try:
        refuse_fields({name: value[name] for name in known & value.keys()})
    except InvalidInput as refusal:
        return [each for each in refusal.violations if each.field not in refused]
    return []


def _refuse_deep_nesting(text: str) -> None:
    """T2: before anything recurses, so that the answer is the same on every interpreter and stack."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MAX_DEPTH:
            raise _malformed(f"The body is nested more than {MAX_DEPTH} deep.")


def _object_of_distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        # H12: readers disagree on which of two counts, and what one of them checked another would use.
        raise ValueError("a name is given twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _malformed(detail: str) -> Refused:
    return Refused(MALFORMED_JSON, detail)


_DECODER = JSONDecoder(object_pairs_hook=_object_of_distinct_names, parse_constant=_refuse_constant)
