"""Every kind of the table of workloads, with generated pods at each of its paths, written in every style of YAML.

The examples of tests/kubernetes/kinds give what stands around the pod templates.
"""

import random
from pathlib import Path
from typing import Any

import yaml

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.kubernetes.workload_kinds import TABLE, WorkloadKind, merged, steps_of
from tests.fuzz.invariants import SPECS, check
from tests.fuzz.manifests import ManifestWriter
from tests.support.injection import inject, take_out

Data = Any
FOLDER = Path(__file__).parents[1] / "kubernetes" / "kinds"
KINDS = tuple(merged(TABLE))


def any_kind(seed: int) -> str:
    """Check a document of one kind by a seed; return what became of it. Raises AssertionError."""
    (group, kind), rows = KINDS[seed % len(KINDS)]
    writer = ManifestWriter(random.Random(seed))
    document = yaml.load((FOLDER / f"{group or 'core'}_{kind}" / "input.yaml").read_text(), yaml.BaseLoader)
    refused = any(row.refused for row in rows)
    if not refused:
        _fill(document, rows, writer)
    text = written(document, writer)
    spec, second = (SPECS[writer.random.randrange(len(SPECS))] for _ in range(2))
    if refused:
        try:
            assert inject(text, **spec) == take_out(text) == text, "a kind that is refused is changed"
        except SidecarPluginError as error:
            assert error.place is not None
            return "refused"
        return "left"
    outcome = check(text, spec, second, find=lambda one: pods_of(one, rows))
    return outcome.refused or ("held" if outcome.read else "held; the oracle cannot read it")


def pods_of(document: Data, rows: tuple[WorkloadKind, ...]) -> list[Data]:
    """Return the pod templates at the paths of a kind; one without a path is a pod itself. The writer may fold another word
    into a kind: such a document is of none."""
    if document.get("kind") != rows[0].kind:
        return []
    if any(path == "" for row in rows for path in row.paths):
        return [document]
    return [holder[key] for row in rows for path in row.paths for holder, key in _places(document, steps_of(path))]


def _places(node: Data, steps: tuple[str, ...]) -> list[tuple[Data, Any]]:
    """Return where the path leads to: collections, each with the key or index of a pod template in it."""
    step, rest = steps[0], steps[1:]
    if step == "[*]":
        keys: list[Any] = list(range(len(node))) if isinstance(node, list) else []
    else:
        keys = [key for key in node if step in ("*", key)] if isinstance(node, dict) else []
    if rest:
        return [place for key in keys for place in _places(node[key], rest)]
    return [(node, key) for key in keys if isinstance(node[key], dict) and (node[key].get("spec") or {}).get("containers")]


def _fill(document: Data, rows: tuple[WorkloadKind, ...], writer: ManifestWriter) -> None:
    """Put generated pods in the place of the example's."""
    for row in rows:
        for path in row.paths:
            if not steps_of(path):  # a Pod
                document.update(spec=writer.pod_spec())
                continue
            for holder, key in _places(document, steps_of(path)):
                holder[key] = _pod(writer)


def _pod(writer: ManifestWriter) -> Data:
    metadata = {"metadata": writer.metadata()} if writer.chance(0.7) else {}
    return {**metadata, "spec": writer.pod_spec()}


def written(document: Data, writer: ManifestWriter) -> str:
    """Return a document as text in a style of its own."""
    writer.start_document()
    lines: list[str] = ["---"] if writer.chance(0.3) else []
    writer.sharing = any(flavour in writer.flavours for flavour in ("shared lists", "merges"))
    if writer.has("flow", 0.4):
        lines.append(writer.flow(document, 0))
    else:
        writer.block(document, 0, lines)
    return writer.newline.join(lines) + writer.pick(writer.newline, writer.newline, "")
