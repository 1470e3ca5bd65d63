"""The formats of findings: text, JSON, SARIF 2.1.0 and the annotations of GitHub's workflows."""

from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import quote

from sidecar_plugin import __version__
from sidecar_plugin.commands.check.linter import LEVELS, Finding
from sidecar_plugin.commands.check.rule import Rule, documentation, title
from sidecar_plugin.errors import one_line
from sidecar_plugin.runtime.console import json_text


class Report(NamedTuple):
    """The findings of a run, the rules that were asked for, those of them that did not run, and the pods looked at."""

    findings: list[Finding]
    rules: list[Rule]
    not_run: list[Rule]
    pods: int

    def count(self, level: str) -> int:
        """Return how many findings are of that level."""
        return sum(finding.level == level for finding in self.findings)


def as_text(report: Report) -> str:
    """Return a line a finding, `FILE:LINE:COLUMN: level: …`, as compilers write them."""
    return "".join(
        f"{one_line(str(finding.place))}: {finding.level}: {_sentence(finding)} [{finding.rule}]\n"
        for finding in report.findings
    )


def _sentence(finding: Finding) -> str:
    parts = [part for part in (finding.workload, finding.field, finding.message) if part]
    return one_line(f"{': '.join(parts)}; {finding.remedy}")


def as_json(report: Report) -> str:
    """Return one JSON object: the findings and how many there are."""
    findings = [
        {**{key: value for key, value in finding._asdict().items() if key != "place"}, **finding.place._asdict()}
        for finding in report.findings
    ]
    summary: dict[str, Any] = {f"{level}s": report.count(level) for level in LEVELS}
    summary |= {"workloads": report.pods, "notRun": [rule.ID for rule in report.not_run]}
    return json_text({"findings": findings, "summary": summary}, indent=2) + "\n"


def as_sarif(report: Report) -> str:
    """Return a SARIF 2.1.0 log (OASIS, "Static Analysis Results Interchange Format"); columns count Unicode characters."""
    index = {rule.ID: number for number, rule in enumerate(report.rules)}
    rules = [
        {
            "id": rule.ID,
            "shortDescription": {"text": title(rule)},
            "help": {"text": documentation(rule)},
            "defaultConfiguration": {"level": rule.LEVEL},
        }
        for rule in report.rules
    ]
    driver = {"name": "sidecar-plugin", "version": __version__, "rules": rules}
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": index[finding.rule],
            "level": finding.level,
            "message": {"text": _sentence(finding)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(finding.place.file)},
                        "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
                    },
                    **({"logicalLocations": [{"fullyQualifiedName": _logical(finding)}]} if _logical(finding) else {}),
                }
            ],
        }
        for finding in report.findings
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return json_text({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _uri(name: str) -> str:
    path = PurePath(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _logical(finding: Finding) -> str:
    return " ".join(part for part in (finding.workload, finding.field) if part)


def as_github(report: Report) -> str:
    """Return workflow commands, `::error file=…::…`, which GitHub shows beside the lines of a pull request."""
    lines = []
    for finding in report.findings:
        file, line, column = finding.place
        properties = {"file": file, "line": line, "col": column, "title": f"sidecar-plugin {finding.rule}"}
        written = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in properties.items())
        lines.append(f"::{finding.level} {written}::{_escaped(_sentence(finding))}\n")
    return "".join(lines)


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
