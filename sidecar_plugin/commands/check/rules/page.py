"""The page docs/rules.md, made from the rules' docstrings: `python -m sidecar_plugin.commands.check.rules`."""

import re

from sidecar_plugin.commands.check.rule import documentation, title
from sidecar_plugin.commands.check.rules import RULES

_HEAD = """\
# Rules of `sidecar-plugin check`

How to run it: [check.md](check.md). This page is made from the docstrings in `sidecar_plugin/commands/check/rules` by
`python -m sidecar_plugin.commands.check.rules`, and a test runs every example on it.

| rule | level | finds |
|---|---|---|
"""
_EXAMPLE = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)


def page() -> str:
    """Return the page."""
    rows = "".join(f"| [{name}](#{_anchor(name)}) | {rule.LEVEL} | {title(rule)} |\n" for name, rule in RULES.items())
    sections = []
    for name, rule in RULES.items():
        about = f"{documentation(rule)}\n"
        text = _EXAMPLE.sub(lambda found: f"```yaml\n{_dedented(found[0])}```\n", about)
        sections.append(f"\n## {name}\n\n{title(rule)[0].upper()}{title(rule)[1:]}.\n\n{text}")
    return _HEAD + rows + "".join(sections)


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _dedented(example: str) -> str:
    return "".join(line.removeprefix("    ") for line in example.strip("\n").splitlines(keepends=True)) + "\n"
