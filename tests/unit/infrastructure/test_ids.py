"""Ids are UUIDv7 of the standard library's type and sort by time."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from infrastructure.ids import new_id


def test_an_id_is_a_version_7_uuid_of_the_standard_library() -> None:
    made = new_id()

    assert type(made) is UUID
    assert (made.version, made.variant) == (7, RFC_4122)
    assert UUID(str(made)) == made


def test_an_id_holds_the_time_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000

    assert before <= made.int >> 80 <= after


def test_each_id_sorts_behind_the_one_before() -> None:
    made = [new_id() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: new_id(), range(20_000)))

    assert len(set(made)) == 20_000
