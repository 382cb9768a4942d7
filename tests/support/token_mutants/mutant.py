"""What a mutant is."""

from collections.abc import Callable

from tests.support.tokens import Forge

Mutant = Callable[[Forge], str]
"""Makes one bad token in the workshop; rightly signed, unless the signature is what is bad about it."""
