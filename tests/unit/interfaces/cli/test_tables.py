"""Tables on terminals of any width."""

import pytest

from interfaces.cli.tables import Column, lines, record
from interfaces.cli.terminal_text import width

COLUMNS = (Column("NAME", least=6), Column("KIND"), Column("ADDRESS", least=8), Column("ID", may_go=True))
ROWS = [
    {"NAME": "山田太郎", "KIND": "cat", "ADDRESS": "taro.yamada@example.test", "ID": "0" * 36},
    {"NAME": "Ada", "KIND": "mathematician", "ADDRESS": "ada@x.test", "ID": "1" * 36},
]


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    shown = list(lines(COLUMNS, ROWS, None))

    assert shown == [
        "NAME      KIND           ADDRESS                   ID",
        f"山田太郎  cat            taro.yamada@example.test  {'0' * 36}",
        f"Ada       mathematician  ada@x.test                {'1' * 36}",
    ]


@pytest.mark.parametrize("room", range(31, 140))
def test_a_table_is_no_wider_than_the_terminal(room: int) -> None:
    shown = list(lines(COLUMNS, ROWS, room))

    assert all(width(line) <= room for line in shown)
    assert len(shown) == 3
    assert ("ID" in shown[0]) == (room >= 8 + 13 + 24 + 36 + 6)
    for line in shown:
        assert line.split()[1].startswith(("KIND", "cat", "mathematician")), "what may not be narrowed is whole"


def test_where_no_table_fits_rows_stand_one_below_the_other() -> None:
    shown = list(lines(COLUMNS, ROWS, 20))

    assert shown[:5] == [
        "NAME     山田太郎",
        "KIND     cat",
        "ADDRESS  taro.yamada@example.test",
        f"ID       {'0' * 36}",
        "",
    ]
    assert shown[5] == "NAME     Ada"


def test_a_cell_cannot_forge_a_row_or_move_others() -> None:
    row = {"NAME": "a\n\x1b[2Jb\u202e", "KIND": "", "ADDRESS": "", "ID": ""}

    assert list(lines(COLUMNS, [row], None))[1:] == [r"a\n\x1b[2Jb\u202e"]
    assert next(record(row)) == r"NAME     a\n\x1b[2Jb\u202e"


def test_without_rows_there_are_titles() -> None:
    assert list(lines(COLUMNS, [], None)) == ["NAME  KIND  ADDRESS  ID"]
