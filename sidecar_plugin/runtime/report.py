"""What a run did and what it has to say: outcomes per workload, warnings, and how both are shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sidecar_plugin.errors import Place, SidecarPluginError, UsageError, one_line, shortened
from sidecar_plugin.runtime.console import json_text


class InjectedAgent(NamedTuple):
    """One agent in one pod template."""

    agent: str
    declaration: str
    container: str


class Outcome(NamedTuple):
    """What became of one workload: the agents it has now, those taken out, or why nothing was done; `note` is
    anything else.

    `locate` gives the workload's place; a long stream's lines are counted only when somebody asks.
    """

    locate: Callable[[], Place]
    kind: str
    namespace: str
    name: str
    agents: tuple[InjectedAgent, ...] = ()
    removed: tuple[str, ...] = ()
    skipped: str = ""
    note: str = ""
    was: str = ""
    """The declarations that `convert` found."""
    part: str = ""
    """The field path of the pod template, for a workload with several."""
    agent_notes: tuple[tuple[str, str], ...] = ()
    """What the agents say they do: the agent and one note."""
    parts: dict[str, list[str]] = {}  # noqa: RUF012  # of a NamedTuple, and nobody changes it
    """What was removed and not added again: the names, by the field path of their list or map."""

    @property
    def label(self) -> str:
        """The workload as reports name it: kind, namespace and name, and the field path of its pod template."""
        namespace = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind}/{namespace}{self.name or '(no name)'} {self.part}".rstrip()


class Warning(NamedTuple):  # noqa: A001  # the word of the field; the built-in is not used here
    """Something that the user should know, though the run goes on."""

    place: Place | None
    message: str

    def __str__(self) -> str:
        return one_line(shortened(f"{self.place}: {self.message}" if self.place else self.message))


class Results:
    """Collects outcomes and warnings over a whole run, and what files were refused for; a warning is kept once."""

    __slots__ = ("_seen", "errors", "outcomes", "warnings")

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.warnings: list[Warning] = []
        self.errors: list[SidecarPluginError] = []
        self._seen: set[Warning] = set()

    def warn(self, message: str, place: Place | None) -> None:
        """Add a warning."""
        warning = Warning(place, message)
        if warning not in self._seen:
            self._seen.add(warning)
            self.warnings.append(warning)

    @contextmanager
    def each_file(self, keep_going: bool) -> Iterator[None]:
        """Do one file's part of a run. With `keep_going` a mistake in it is kept in `errors`, and what the file had said is
        forgotten; else it ends the run."""
        said = len(self.outcomes)
        try:
            yield
        except SidecarPluginError as error:
            if not keep_going or isinstance(error, UsageError):
                raise
            del self.outcomes[said:]
            self.errors.append(error)

    def agent_notes(self) -> dict[str, list[str]]:
        """Return what each agent says it does, each note once, in the order of the workloads."""
        notes: dict[str, list[str]] = {}
        for agent, note in dict.fromkeys(pair for outcome in self.outcomes for pair in outcome.agent_notes):
            notes.setdefault(agent, []).append(note)
        return notes

    def as_text(self) -> str:
        """Return the report for a person: a table of the workloads, and what each agent says it does."""
        rows: list[tuple[str, ...]] = [("WORKLOAD", "AGENTS", "DECLARATION", "NOTE")]
        for outcome in self.outcomes:
            agents = ", ".join(injected.agent for injected in outcome.agents) or "-"
            declarations = ", ".join(dict.fromkeys(injected.declaration for injected in outcome.agents)) or "-"
            removed = f"removed: {', '.join(outcome.removed)}" if outcome.removed else ""
            was = f"was {outcome.was}" if outcome.was else ""
            note = "; ".join(part for part in (removed, was, outcome.skipped, outcome.note) if part)
            rows.append(tuple(map(one_line, (outcome.label, agents, declarations, note))))
        if len(rows) == 1:
            return "" if self.warnings else "sidecar-plugin: no workloads\n"
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
        notes = (line for agent, notes in self.agent_notes().items() for line in _note_lines(agent, notes))
        return "".join(f"{line}\n" for line in (*lines, *notes))

    def as_json(self) -> str:
        """Return the report for a program: one JSON object on one line."""
        workloads: list[dict[str, Any]] = [
            {
                "file": place.file,
                "line": place.line,
                "kind": outcome.kind,
                "namespace": outcome.namespace,
                "name": outcome.name,
                "agents": [injected._asdict() for injected in outcome.agents],
                "removed": list(outcome.removed),
                "skipped": outcome.skipped,
                "note": outcome.note,
                **({"was": outcome.was} if outcome.was else {}),
                **({"removedParts": outcome.parts} if outcome.parts else {}),
                **({"podTemplate": outcome.part} if outcome.part else {}),
            }
            for outcome, place in ((outcome, outcome.locate()) for outcome in self.outcomes)
        ]
        warnings = [
            {"message": warning.message, **(warning.place._asdict() if warning.place else {})} for warning in self.warnings
        ]
        refused = [{"message": error.message, **(error.place._asdict() if error.place else {})} for error in self.errors]
        errors = {"errors": refused} if refused else {}
        notes = self.agent_notes()
        agents = {"agents": notes} if notes else {}
        return json_text({"workloads": workloads, **agents, "warnings": warnings, **errors}) + "\n"


_MOST_NOTES = 4
"""The notes of one agent that the text report shows. Notes that name the workload would fill the screen."""


def _note_lines(agent: str, notes: list[str]) -> Iterator[str]:
    for note in notes[:_MOST_NOTES]:
        yield one_line(f"{agent}: {note}")
    if len(notes) > _MOST_NOTES:
        yield one_line(f"{agent}: and {len(notes) - _MOST_NOTES} notes more (--report json shows them)")


class StrictError(SidecarPluginError):
    """Warnings under --strict."""


def check_strict(strict: bool, results: Results) -> None:
    """Raise StrictError if there are warnings and the user wants none."""
    if strict and results.warnings:
        first, *others = results.warnings
        more = f" (and {len(others)} more warnings)" if others else ""
        raise StrictError(f"{first.message}{more}; this is a warning, and --strict makes it an error", first.place)


def report(form: str, results: Results) -> str:
    """Return what is said about a run that went through: files refused, warnings, then the report asked for."""
    if form == "json":
        return results.as_json()
    errors = "".join(f"sidecar-plugin: error: {error}\n" for error in results.errors)
    warnings = "".join(f"sidecar-plugin: warning: {warning}\n" for warning in results.warnings)
    return errors + warnings + (results.as_text() if form == "text" else "")
