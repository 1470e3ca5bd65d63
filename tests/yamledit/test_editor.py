"""Insertions into flow collections whose items stand on lines of their own."""

import pytest

from sidecar_plugin.yamledit.editor import Editor
from sidecar_plugin.yamledit.emitter import Emitter
from sidecar_plugin.yamledit.nodes import Sequence
from sidecar_plugin.yamledit.parser import parse


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["[", "  one,", "  two", "]"], ["[", "  one,", "  two,", '  "new"', "]"]),
        (["[", "one,", "two", "]"], ["[", "one,", "two,", '"new"', "]"]),
        (["[one,", "two]"], ["[one,", "two,", '"new"]']),
        (["[one, two]"], ['[one, two, "new"]']),
        (["[one]"], ['[one, "new"]']),
    ],
)
def test_a_new_item_stands_on_a_line_of_its_own_where_the_last_one_does(
    before: list[str], after: list[str], newline: str
) -> None:
    text = newline.join(before)
    root = parse(text).root
    assert isinstance(root, Sequence)
    editor = Editor(text, 0, Emitter())
    editor.append(root, ["new"])
    assert editor.result() == newline.join(after)
