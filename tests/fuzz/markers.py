"""Forged markers: pods and other documents whose authors wrote what only the program writes.

`uninject` and `inject` refuse with a place, or remove only what the marker names, and the report names all that goes:
documents, containers, volumes, mounts, variables, pull secrets, labels, annotations and target ports. What was removed is
worked out here by comparing loaded data.
"""

import json
import random
from collections.abc import Callable
from typing import Any

import yaml

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.injection.uninject import uninject
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.yamledit.source import Source
from tests.support.command import load
from tests.support.injection import MARKER, agents, inject_and_report

Data = Any
NAMES = (
    "app",
    "web",
    "agent",
    "agent-init",
    "other",
    "m",
    "data",
    "cache",
    "shared",
    "/data",
    "/shared",
    "AGENT",
    "DB",
    "pull",
    "x",
)
ODD: tuple[Data, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "app",
    [],
    {},
    [None],
    [["app"]],
    {"name": "app"},
    ["app", 7],
    "\x1b[31m",
    "\ud800",
)
LISTS = (
    "spec.containers", "spec.initContainers", "spec.volumes", "spec.imagePullSecrets", "metadata.annotations",
    "metadata.labels",
    "spec.containers[app].env", "spec.containers[app].volumeMounts", "spec.containers[web].env",
    "spec.containers[web].volumeMounts",
    "spec.initContainers[init].env", "spec.initContainers[init].volumeMounts",
)  # fmt: skip
PATHS = (
    "metadata", "spec", "", ".",
    "spec.containers[]", "spec.containers[app]", "spec.containers[app].image", "spec.containers[x].env",
    "spec.containers[a].env].env", "spec.nodeSelector", "metadata.name", "spec.template.spec.containers", "spec..volumes",
    "spec.containers\n", "../spec", "spec.containers[app].ports", "spec.ephemeralContainers", "__class__",
)  # fmt: skip
KEYS = (
    MARKER,
    MARKER,
    MARKER,
    MARKER,
    '"sidecar-plugin.dev\\u002Finjected"',
    '"sidecar-plugin.dev\\x2finjected"',
    f"'{MARKER}'",
)
OURS = ("agent", "agent-init", "other", "m", "/shared", "shared", "AGENT", "pull")
SPECS = (agents("agent"), agents("other"), agents("agent", "other"), agents("m"), {"clusterVersion": "1.28", **agents("agent")})


def forged(seed: int) -> str:
    """Check a stream with forged markers by a seed; return what became of it. Raises AssertionError."""
    draw = random.Random(seed)
    text = "---\n".join(_document(draw) for _ in range(draw.choice((1, 1, 2, 3))))
    spec = draw.choice(SPECS)
    return (
        f"uninject: {_checked(text, _take_out, ())}, inject: {_checked(text, lambda one: inject_and_report(one, spec), OURS)}"
    )


def _take_out(text: str) -> tuple[str, Results]:
    results = Results()
    return uninject(Source("in.yaml", text), results), results


def _checked(text: str, change: Callable[[str], tuple[str, Results]], ours: tuple[str, ...]) -> str:
    try:
        after, results = change(text)
    except SidecarPluginError as error:
        assert error.place is not None, error.message
        return "refused"
    before, now = load(text), load(after)
    left = {_identity(one): one for one in now}
    said = " ".join([*map(str, results.warnings), *(one.name for one in results.outcomes)])
    claimed = _claimed(before)
    for document in before:
        name = document["metadata"]["name"]
        found = left.get(_identity(document))
        if found is None:
            assert name in said, f"{_identity(document)} goes without a word: {said}"
            continue
        outcomes = [one for one in results.outcomes if one.name[1:] == name[1:]]  # a List's item has the List's number
        _Comparison(claimed, outcomes, ours, said).check(document, found)
    assert change(after)[0] == after, "a second run differs"
    return "held" if after == text else "changed"


class _Comparison:
    """Holds that what is missing in a document is what a marker names, and that the report names it."""

    def __init__(self, claimed: set[str], outcomes: list[Outcome], ours: tuple[str, ...], said: str) -> None:
        self.said = said
        self.claimed = claimed
        self.ours = ours
        self.named = {name for outcome in outcomes for names in outcome.parts.values() for name in names}
        self.note = " ".join(outcome.note for outcome in outcomes)
        self.agents = {agent for outcome in outcomes for agent in outcome.removed}

    def check(self, before: Data, after: Data) -> None:
        if isinstance(before, dict):
            assert isinstance(after, dict), (before, after)
            for key, value in before.items():
                if key == MARKER:
                    continue
                if after.get(key) is not None:
                    self.check(value, after[key])
                elif key == "targetPort":
                    assert f"targetPort of port {before['port']}" in self.note, (
                        f"a target port goes without a word: {self.note}"
                    )
                elif isinstance(value, str):
                    assert key in self.claimed, f"{key} goes, which no marker names"
                    self._check_said(key)
                else:
                    assert key in self.claimed or not _kept(value, self.claimed), f"{key} goes, which no marker names"
                    for one in value or ():
                        self._check_item(one)
        elif isinstance(before, list):
            assert isinstance(after, list), (before, after)
            for item in before:
                if _name(item) in self.ours:
                    continue  # the agents' own name, under which `inject` adds what is theirs
                same = [one for one in after if (_name(one) == _name(item) if _name(item) else one == item)]
                if same:
                    self.check(item, same[0])
                    continue
                assert _name(item) in self.claimed, f"{item} goes, which no marker names"
                self._check_item(item)
        elif "targetPort of port" not in self.note:
            assert before == after, f"{before!r} became {after!r}"

    def _check_item(self, item: Data) -> None:
        if isinstance(item, dict) and "kind" in item:
            assert item["metadata"]["name"] in self.said, f"{_identity(item)} goes without a word: {self.said}"
        else:
            self._check_said(item if isinstance(item, str) else str(_name(item)))

    def _check_said(self, name: str) -> None:
        """Hold that the report names what goes: in `removedParts`, and as text by itself, as an agent or with others of one."""
        if name == MARKER:
            return
        assert name in self.named, f"{name} goes without a word: {self.named}"
        groups = [f"{agent}{mark}* (" for agent in self.agents for mark in "-." if name.startswith(f"{agent}{mark}")]
        assert name in self.agents or any(text in self.note for text in (name, *groups)), f"{name} is not in: {self.note}"


def _kept(value: Data, claimed: set[str]) -> bool:
    """Say whether something in a value stays where all that is claimed goes."""
    if isinstance(value, dict):
        return any(key not in claimed and key != MARKER and _kept(one, claimed) for key, one in value.items())
    if isinstance(value, list):
        return any(_name(item) not in claimed for item in value)
    return value is not None


def _name(item: Data) -> str | None:
    return item.get("mountPath", item.get("name", item.get("port", item.get("kind")))) if isinstance(item, dict) else None


def _identity(document: Data) -> tuple[Any, ...]:
    return document.get("kind"), document.get("metadata", {}).get("name")


def _claimed(data: Data) -> set[str]:
    """Return every name that a marker in the data names, at any depth; the kinds of documents that are marked as manifests."""
    found: set[str] = set()
    if isinstance(data, dict):
        metadata = data.get("metadata")
        marker = (metadata.get("annotations") or {}).get(MARKER) if isinstance(metadata, dict) else None
        if isinstance(marker, str):
            read = json.loads(marker)
            found |= _strings(read.get("added"))
            found |= {"targetPort"} if "targetPorts" in read else set()
            if "manifest" in read:
                found.add(str(data.get("kind")))
    for child in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        found |= _claimed(child)
    return found


def _strings(data: Data) -> set[str]:
    if isinstance(data, (dict, list)):
        return {name for child in (data.values() if isinstance(data, dict) else data) for name in _strings(child)}
    return {data} if isinstance(data, str) else set()


# --- what is forged


def _document(draw: random.Random) -> str:
    marker = _marker(draw)
    lines = [f"{draw.choice(KEYS)}: {_written(marker, draw)}"]
    if draw.random() < 0.1:
        lines.append(f"{draw.choice(KEYS)}: {_written(_marker(draw), draw)}")
    number = draw.randrange(10**9)
    kind = draw.choice(("Pod", "Pod", "Pod", "Deployment", "NetworkPolicy", "Secret", "List", "Service"))
    if kind == "Service":
        return _service(draw, number)
    annotations = ["app: web", *lines]
    if kind in ("NetworkPolicy", "Secret"):
        head = ["apiVersion: v1", f"kind: {kind}", "metadata:", f"  name: n{number}", "  annotations:"]
        return _indented([*head, *(f"    {line}" for line in annotations), "spec: {}"], 0)
    if kind == "Deployment":
        body = "\n".join(
            ["metadata:", "  labels: {app: web, agent-label: x}", "  annotations:", *(f"    {line}" for line in annotations)]
        )
        spec = _indented([*body.split("\n"), *_spec(draw)], 4)
        return f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: n{number}\nspec:\n  template:\n{spec}"
    pod = [
        "apiVersion: v1", "kind: Pod", "metadata:", f"  name: n{number}", "  labels: {app: web, agent-label: x}",
        "  annotations:",
        *(f"    {line}" for line in annotations), *_spec(draw),
    ]  # fmt: skip
    if kind == "List":
        return f"apiVersion: v1\nkind: List\nmetadata: {{name: l{number}}}\nitems:\n- " + _indented(pod, 2)[2:]
    return _indented(pod, 0)


def _indented(lines: list[str], columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" for line in lines)


def _service(draw: random.Random, number: int) -> str:
    ports = {
        f"{draw.choice((80, 443, 53, 'x'))}/{draw.choice(('TCP', 'TCP', 'UDP'))}": {
            "is": draw.choice(("http", "8080", "agent-in")),
            **({"was": draw.choice(("8080", "http", '"http"', "22", "a b", ""))} if draw.random() < 0.7 else {}),
        }
        for _ in range(draw.choice((0, 1, 2)))
    }
    marker = {"version": 1, "agents": draw.choice((["agent"], ["x"], [])), "targetPorts": ports, "created": [], "nulls": []}
    target = draw.choice(("", ", targetPort: http", ", targetPort: 8080", ", targetPort: agent-in"))
    lines = [
        "apiVersion: v1", "kind: Service", "metadata:", f"  name: n{number}", "  annotations:", "    app: web",
        f"    {MARKER}: {_written(marker, draw)}",
        "spec:", f"  selector: {draw.choice(('{app: web}', '{app: other}'))}",
        "  ports:", f"  - {{port: 80{target}}}", f"  - {{port: 443, name: tls{target}}}",
    ]  # fmt: skip
    return _indented(lines, 0)


def _spec(draw: random.Random) -> list[str]:
    mounts = draw.choice(("[{name: data, mountPath: /data}]", "[{name: data, mountPath: /shared}]", "[]"))
    containers = [
        f'  - {{name: app, image: a, env: [{{name: DB, value: x}}, {{name: AGENT, value: "true"}}], volumeMounts: {mounts}}}'
    ]
    containers += ["  - name: web", "    image: w", "    volumeMounts:", "    - name: cache", "      mountPath: /cache"]
    if draw.random() < 0.3:
        containers += ["  - {name: agent, image: example.com/agent:1}"]
    init = (
        ["  initContainers:", "  - name: init", "    image: i", "  - {name: agent-init, image: i}"]
        if draw.random() < 0.5
        else []
    )
    return [
        "spec:",
        "  containers:",
        *containers,
        *init,
        "  volumes: [{name: data, emptyDir: {}}, {name: cache, emptyDir: {}}]",
    ]


def _marker(draw: random.Random) -> Data:
    if draw.random() < 0.2:
        return {"version": 1, "manifest": draw.choice((*NAMES, *ODD))}
    names = draw.sample(NAMES, draw.choice((0, 1, 1, 2)))
    entries = {
        name: {"declaration": draw.choice(("native", "acs", "x")), "container": draw.choice((name, *NAMES))} for name in names
    }
    added = {path: draw.sample(NAMES, draw.choice((0, 1, 2, 3))) for path in draw.sample(LISTS, draw.choice((0, 1, 2, 3)))}
    marker = {
        "version": 1, "agents": entries, "added": added, "created": draw.sample(LISTS, draw.choice((0, 0, 1, 3))),
    }  # fmt: skip
    if draw.random() < 0.1:
        marker["nulls"] = draw.sample(LISTS, 2)
    if draw.random() < 0.1:
        marker["added"][draw.choice(PATHS)] = ["app"]
    if draw.random() < 0.1:
        marker["created"] = [draw.choice(PATHS)]
    if draw.random() < 0.1:
        target = draw.choice((marker, marker, entries, added))
        target[draw.choice((*target, "x"))] = draw.choice(ODD)
    return marker


def _written(marker: Data, draw: random.Random) -> str:
    text = json.dumps(marker)
    if draw.random() < 0.05:
        text = draw.choice(("", "null", "[]", "{", "1", "[" * 500, text[:-1], text + text, '{"version":1,"version":2}', "NaN"))
    return yaml.safe_dump(text, default_style=draw.choice(("'", '"')), width=10**6).strip()
