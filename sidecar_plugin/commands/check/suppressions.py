"""Comments that take findings away: `# sidecar-plugin: ignore RULE, RULE` on the line itself or alone on the line above."""

import re

from sidecar_plugin.commands.check.linter import Finding
from sidecar_plugin.yamledit.source import Source

_COMMENT = re.compile(r"^(?P<before>[^\n\r]*?)# *sidecar-plugin: ignore (?P<rules>[a-z0-9., -]+?) *$", re.MULTILINE)


def without_ignored(source: Source, findings: list[Finding]) -> list[Finding]:
    """Return the findings less those that a comment in the text takes away."""
    if "sidecar-plugin: ignore" not in source.text:
        return findings
    ignored: dict[int, set[str]] = {}
    for comment in _COMMENT.finditer(source.text.replace("\r\n", "\n").replace("\r", "\n")):
        line = source.text.replace("\r\n", "\n").count("\n", 0, comment.start()) + 1
        rules = {name.strip() for name in comment["rules"].split(",")}
        ignored.setdefault(line if comment["before"].strip() else line + 1, set()).update(rules)
    return [finding for finding in findings if finding.rule not in ignored.get(finding.place.line, ())]
