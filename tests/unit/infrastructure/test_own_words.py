"""Which words count as a person's own, and what is made of them."""

import pytest

from infrastructure.passwords.own_words import make_up, own_words_of


def test_a_name_counts_whole_in_parts_and_in_one() -> None:
    assert own_words_of(["Ann-Lee.Smith"]) == ["Ann-Lee.Smith", "AnnLeeSmith", "Ann", "Lee", "Smith"]


def test_a_word_counts_once_and_from_three_characters_on() -> None:
    assert own_words_of(["ann@ex.io", "ann", "Li"]) == ["ann@ex.io", "annexio", "ann"]


def test_words_are_few_and_short_whatever_is_sent() -> None:
    words = own_words_of(["x" * 8192, ".".join(f"word{number}" for number in range(1000)), *map(str, range(100, 999))])

    assert len(words) == 32
    assert max(map(len, words)) <= 64


@pytest.mark.parametrize("text", ["welcomewelcome1", "welcome.welcome", "               ", "🐴🔋📎✅"])
def test_a_chance_resemblance_makes_nothing_up(text: str) -> None:
    assert not make_up(text, ["com", "alice"])


@pytest.mark.parametrize("text", ["alice0123456789", "9876543210ecila", "AL1C3-9876543210", "bobob alice bob"])
def test_a_third_makes_it_up(text: str) -> None:
    assert make_up(text, ["com", "alice"])
