"""What inject did to one stream, document by document: the workloads, the warnings at their lines, and the difference."""

from bisect import bisect_right
from typing import NamedTuple

from sidecar_plugin.errors import Place
from sidecar_plugin.injection.stream import Stream, split_manifests
from sidecar_plugin.runtime.diff import Line, Side, hunks
from sidecar_plugin.runtime.report import Outcome
from sidecar_plugin.runtime.report import Warning as ReportWarning
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.source import Source

MANIFESTS = "Manifests that agents bring along"


class Hunk(NamedTuple):
    """A changed part of a document and the line of the file that it begins at."""

    line: int
    lines: list[Line]


class Change(NamedTuple):
    """A document of the stream; the last of a stream, with the title MANIFESTS, is what agents brought along."""

    place: Place
    title: str
    outcomes: list[Outcome]
    warnings: list[ReportWarning]
    hunks: list[Hunk]


def changes(stream: Stream, text: str, outcomes: list[Outcome], warnings: list[ReportWarning]) -> list[Change]:
    """Return what is to be said of a stream's documents; `text` is what the stream became.

    `outcomes` are those of this stream. Of `warnings`, those at a line of its documents are taken. Injection only inserts text
    into documents and puts manifests behind the last, so that the documents before and after correspond by their order.
    """
    documents = stream.documents
    kept, manifests = split_manifests(documents)
    if text == "".join(document.text for document in documents):
        kept, manifests = documents, []  # nothing was injected, so nothing was removed before either
    own = [Change(document.place(0), "", [], [], []) for document in kept]
    brought = Change(Place(stream.source.name, 0, 0), MANIFESTS, [], [], [])
    found = {change.place: change for change in own} | {each.document.place(0): brought for each in manifests}
    places = [document.place(0) for document in split(stream.source)]  # those of settings too, which are no change
    starts = [place.line for place in places]

    def at(place: Place) -> Change | None:
        return found.get(places[max(0, bisect_right(starts, place.line) - 1)]) if places else None

    for outcome in outcomes:
        if change := at(outcome.locate()):
            change.outcomes.append(outcome)
    for warning in warnings:
        if warning.place and warning.place.file == stream.source.name and (change := at(warning.place)):
            change.warnings.append(warning)
    after = [document.text for document in split(Source(stream.source.name, text))]
    for document, change, new in zip(kept, own, after, strict=False):
        change.hunks.extend(
            Hunk(document.place(_offset(document.text, lines[0].before)).line, lines)
            for lines in hunks(Side("", document.text), Side("", new))
        )
    removed, added = "".join(each.document.text for each in manifests), "".join(after[len(kept) :])
    brought.hunks.extend(Hunk(0, lines) for lines in hunks(Side("", removed), Side("", added)))
    return [change for change in (*own, brought) if change.outcomes or change.warnings or change.hunks]


def with_pods(stream: Stream, text: str, outcomes: list[Outcome]) -> list[Outcome]:
    """Return the outcomes of a stream, each workload that has or had agents with the note whether its pods change.

    A workload's pods change where its document does: injection changes nothing else of it.
    """
    kept, _ = split_manifests(stream.documents)
    if text == "".join(document.text for document in stream.documents):
        kept = stream.documents
    after = [document.text for document in split(Source(stream.source.name, text))]
    changed = [document.text != new for document, new in zip(kept, after, strict=False)]
    starts = [document.place(0).line for document in kept[: len(changed)]]

    def noted(outcome: Outcome) -> Outcome:
        if not outcome.agents and not outcome.removed:
            return outcome
        index = bisect_right(starts, outcome.locate().line) - 1
        note = "pods change" if changed[index] else "pods unchanged"
        return outcome._replace(note=f"{outcome.note}; {note}" if outcome.note else note)

    return [noted(outcome) for outcome in outcomes]


def _offset(text: str, line: int) -> int:
    """Return where a line, counted from 0, begins."""
    offset = 0
    for _ in range(line):
        offset = text.find("\n", offset) + 1
    return offset
