"""The states of the model: the rows, who holds which token, and what is under way, for any time it likes.

Time goes by in ticks of half a grace. Ages are counted up to one tick past the grace: from then on nothing differs.
Tuples throughout: what the search does most is to compare and to hash them.
"""

from typing import Literal, NamedTuple

GRACE_TICKS = 2
PAST = GRACE_TICKS + 1
"""The age of everything that is past the grace."""


Holder = Literal["owner", "thief"]
"""Who has tokens. The owner may have several requests under way, as two tabs do."""

HOLDERS: tuple[Holder, ...] = ("owner", "thief")


class Token(NamedTuple):
    """A place in the chain, and which of the secrets made for that place it has: 0, unless there are two chains."""

    generation: int
    secret: int = 0


class Row(NamedTuple):
    """The session's row. Ages are those of the last two rotations, in ticks; None for one that never was."""

    generation: int = 0
    secret: int = 0
    age: int | None = None
    previous_age: int | None = None
    late: bool = False
    previous_late: bool = False
    ended: str | None = None


class Request(NamedTuple):
    """A refresh under way. ``judged`` says that its statement has begun: it has its snapshot, and waits for the row."""

    holder: Holder
    token: Token
    judged: bool = False


class Answer(NamedTuple):
    """An answer on its way back, with the successor; without one it is a refusal."""

    holder: Holder
    token: Token | None


class History(NamedTuple):
    """What happened, written down apart from what the service remembers, for the sentences to be judged by."""

    made: tuple[int, ...] = (1,)
    """How many tokens were ever made, by generation."""
    late: frozenset[int] = frozenset()
    """The generations whose token was given out once more, later than the grace."""
    slow: bool = False
    """Somebody presented a token more than the grace after it was replaced."""
    stolen: bool = False


class State(NamedTuple):
    """Everything there is."""

    row: Row = Row()
    user_is_active: bool = True
    owner: Token | None = Token(0)
    thief: Token | None = None
    requests: frozenset[Request] = frozenset()
    answers: frozenset[Answer] = frozenset()
    signing_in: str | None = None
    """A second sign-in of the user: its password is right (``proven``), its session is there (``live``), or None."""
    history: History = History()

    def held_by(self, holder: Holder) -> Token | None:
        """The token that somebody would present."""
        return self.owner if holder == "owner" else self.thief
