"""What is done to access tokens, by name."""

from collections.abc import Iterator

from tests.support.token_mutants import claims, forms, headers
from tests.support.token_mutants.mutant import Mutant

GROUPS = (
    headers.algorithms,
    headers.hmac_keys,
    headers.keys,
    headers.headers,
    headers.types,
    claims.claims,
    forms.encodings,
    forms.json_forms,
    forms.signatures,
    forms.shapes,
)


def all_mutants() -> Iterator[tuple[str, Mutant]]:
    """Each with a name of its own."""
    for group in GROUPS:
        for name, mutant in group():
            yield f"{group.__name__}: {name}", mutant
