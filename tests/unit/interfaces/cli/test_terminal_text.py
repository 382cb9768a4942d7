"""What people typed into their profiles, on an operator's terminal (G03)."""

import pytest

from interfaces.cli.terminal_text import cut, visible, width

SPELT_OUT = {
    "\x1b[2J": r"\x1b[2J",
    "a\nb\tc\r": r"a\nb\tc\r",
    "\x07\x7f\x9b": r"\x07\x7f\x9b",
    "abc\u202edef": r"abc\u202edef",
    "\u2066x\u2069": r"\u2066x\u2069",
    "soft\u00adhyphen": r"soft\xadhyphen",
    "\u2028": r"\u2028",
    "\ufeff": r"\ufeff",
    "\U000e0041": r"\U000e0041",
    "\udcff": r"\udcff",
    "\ue000": r"\ue000",
}
AS_IT_IS = ["Zoë", "山田太郎", "نسیم", "نمی\u200cشود", "👩\u200d💻", "O'Neill-Smith", r"back\slash", ""]


@pytest.mark.parametrize(("text", "spelt"), SPELT_OUT.items(), ids=SPELT_OUT.values())
def test_g03_what_steers_a_terminal_or_turns_the_writing_is_spelt_out(text: str, spelt: str) -> None:
    assert visible(text) == spelt


@pytest.mark.parametrize("text", AS_IT_IS)
def test_names_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_no_control_character_gets_through() -> None:
    for number in (*range(32), *range(127, 160)):
        assert visible(chr(number)).isascii()
        assert visible(chr(number)).isprintable()


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("山田", 4), ("ｱ", 1), ("\uff21", 2), ("e\u0301", 1), ("می\u200cخ", 3)]
)
def test_width_is_what_a_terminal_takes(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize("text", ["lovelace", "山田太郎山田太郎", "a山b田c太", "e\u0301" * 9])
@pytest.mark.parametrize("columns", range(1, 12))
def test_cut_text_fits_and_says_so(text: str, columns: int) -> None:
    short = cut(text, columns)

    assert width(short) <= columns
    assert short == text if width(text) <= columns else short.endswith("…")
    assert text.startswith(short.removesuffix("…"))
