"""The renderings of one agent that are known: of this run, and of earlier ones.

A rendering is known by the values, by what templates see beside the workload, and by what its template read of the workload
(see `reads`). So workloads that differ in nothing that the template read share one.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sidecar_plugin.agents.parts import Parts, read_parts
from sidecar_plugin.agents.reads import Read, in_order, read_of
from sidecar_plugin.runtime.cache import Memo
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from sidecar_plugin.agents.incremental import Pieces

MAX_KEPT = 100  # a template that reads the workload's name has one for each workload
Known = tuple[Parts, tuple[Read, ...]]


class Renderings:
    """Renderings by what they depend on."""

    __slots__ = ("_folder", "_kept", "_memo", "_parsed", "_path", "_pieces", "_reads")

    def __init__(self, memo: Memo, folder: tuple[str, ...], path: str) -> None:
        """`memo` holds the texts of earlier runs; `folder` stands for the agent's files in its keys; messages call the template
        by its `path`."""
        self._path = path
        self._parsed: dict[str, Parts] = {}  # by their text
        self._pieces: Pieces | None = None
        self._memo = memo
        self._folder = folder
        self._reads: dict[str, list[tuple[Read, ...]]] = {}  # by the inputs: what templates were seen to read
        self._kept: dict[tuple[str, tuple[Read, ...], str], Parts] = {}

    def find(self, inputs: str, workload: Callable[[], dict[str, Any]]) -> Known | None:
        """Return the rendering for inputs, as text, and a workload, which is asked for where one read of it, with these reads.

        Raises TemplateError for the text of an earlier run.
        """
        for reads in self._known_reads(inputs):
            found = _found(reads, workload)
            kept = self._kept.get((inputs, reads, found))
            if kept is None and (text := self._memo.get(self._key(inputs, reads, found))) is not None:
                kept = self._keep(inputs, reads, found, self._parts(text))
            if kept is not None:
                return kept, reads
        return None

    def add(self, inputs: str, read: set[Read], workload: Callable[[], dict[str, Any]], text: str) -> Parts:
        """Keep a new rendering, and return what it is. Raises TemplateError for a text that is no agent."""
        parts = self._parts(text)
        reads = in_order(read)
        known = self._known_reads(inputs)
        if reads not in known:
            known.append(reads)
            self._memo.put(self._memo.key("reads", *self._folder, inputs), json.dumps(known))
        found = _found(reads, workload)
        self._memo.put(self._key(inputs, reads, found), text)
        return self._keep(inputs, reads, found, parts)

    def _parts(self, text: str) -> Parts:
        parts = self._parsed.get(text)
        if parts is None:
            if len(self._parsed) >= MAX_KEPT:
                self._parsed.clear()
            if self._parsed and self._pieces is None:
                from sidecar_plugin.agents.incremental import Pieces  # late: of use where there is a second rendering

                self._pieces = Pieces()
            parts = self._parsed[text] = read_parts(Source(f"{self._path} (rendered)", text), self._pieces)
        return parts

    def _known_reads(self, inputs: str) -> list[tuple[Read, ...]]:
        known = self._reads.get(inputs)
        if known is None:
            text = self._memo.get(self._memo.key("reads", *self._folder, inputs)) or "[]"
            known = self._reads[inputs] = [tuple(map(read_of, reads)) for reads in json.loads(text)]
        elif len(known) > MAX_KEPT:
            known.clear()
        return known

    def _key(self, inputs: str, reads: tuple[Read, ...], found: str) -> str | None:
        return self._memo.key("rendered", *self._folder, inputs, reads, found)

    def _keep(self, inputs: str, reads: tuple[Read, ...], found: str, parts: Parts) -> Parts:
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[inputs, reads, found] = parts
        return parts


def _found(reads: tuple[Read, ...], workload: Callable[[], dict[str, Any]]) -> str:
    """Return what the reads find in a workload, as text."""
    if not reads:
        return ""
    data = workload()
    return json.dumps([read.found_in(data) for read in reads], ensure_ascii=False, separators=(",", ":"))
