"""Differences of large texts: right, and made in time in proportion to the texts."""

import random
import re

import pytest

from sidecar_plugin.runtime.diff import Side, unified

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def applied(before: str, difference: str) -> str:
    """Return what a text becomes by a unified difference."""
    lines, result, at = before.splitlines(keepends=True), list[str](), 0
    for line in difference.splitlines(keepends=True)[2:]:
        if found := HUNK.match(line):
            first = int(found[1]) - (found[2] != "0")
            result += lines[at:first]
            at = first
        elif line[0] == "+":
            result.append(line[1:])
        else:
            assert lines[at] == line[1:]
            at += 1
            result += [line[1:]] if line[0] == " " else []
    return "".join([*result, *lines[at:]])


def edited(draw: random.Random, lines: list[str]) -> list[str]:
    """Return the lines with pieces inserted, taken out and replaced, many of them like others."""
    changed = list(lines)
    for _ in range(draw.choice((1, 5, 60))):
        at = draw.randrange(len(changed))
        changed[at : at + draw.choice((0, 0, 1, 4))] = [
            f"{draw.choice(('same', 'x', draw.random()))}\n" for _ in range(draw.randrange(5))
        ]
    return changed


@pytest.mark.parametrize("seed", range(40))
def test_a_difference_leads_from_one_text_to_the_other(seed: int) -> None:
    draw = random.Random(seed)
    unique = draw.choice((0.0, 0.1, 0.5, 1.0))
    lines = [
        f"line {index}\n" if draw.random() < unique else f"{draw.choice('abc')}\n"
        for index in range(draw.choice((50, 1500, 3000)))
    ]
    before, after = "".join(lines), "".join(edited(draw, lines))
    difference = unified(Side("a", before), Side("b", after))
    assert applied(before, difference) == after
    shown = [line for line in difference.splitlines()[2:] if line[0] in "+-"]
    assert len(shown) < 1000 or unique == 0.0  # it shows what changed, not the whole text


def test_texts_of_the_same_lines_are_compared_too() -> None:
    before, after = "a\n" * 5000, "a\n" * 2000 + "b\n" + "a\n" * 3000
    assert applied(before, unified(Side("a", before), Side("b", after))) == after
