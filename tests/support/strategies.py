"""Manifests as a person, a chart or a machine might write them: hypothesis strategies that write text, not dumps.

A data tree is drawn first, then written down in a style drawn for each node: block or flow, plain, quoted or block scalars,
comments, blank lines, indented lists or not, nulls in every spelling, line ends of Unix or Windows, with or without the last.
"""

import json
from typing import Any

from hypothesis import strategies as st

from sidecar_plugin.kubernetes.declarations import DECLARATIONS

NULL = object()  # a key whose value is null; which null, the writer draws

WORDS = st.sampled_from(
    [
        "app",
        "0777",
        "1e3",
        "on",
        "12:34:56",
        "yes",
        "~x",
        "a b",
        "http://x:80/",
        "é",
        "1.30",
        "null",
        "- x",
        "# no",
        "a: b",
        "&x",
        "",
    ]
)
TEXTS = st.sampled_from(["echo hi\necho there\n", "a\n\n# not a comment\n  b\n", "one", "x\n\n\n", "  deep\n", "tab\there\n"])


def _optional(draw: Any, value: Any) -> dict[str, Any]:
    return {} if value is None else value


@st.composite
def containers(draw: Any, name: str) -> dict[str, Any]:
    """A container with some of the fields that are extended, and others around them."""
    data: dict[str, Any] = {"name": name}
    fields = draw(st.lists(st.sampled_from(["image", "args", "env", "volumeMounts", "script", "ports", "odd"]), unique=True))
    for field in fields:
        if field == "image":
            data["image"] = draw(WORDS)
        elif field == "args":
            data["args"] = draw(st.lists(WORDS, max_size=3))
        elif field == "env":
            data["env"] = draw(st.sampled_from([NULL, [], [{"name": "A", "value": "1"}], [{"name": "B", "value": "x\ny\n"}]]))
        elif field == "volumeMounts":
            data["volumeMounts"] = draw(st.sampled_from([NULL, [], [{"name": "tmp", "mountPath": "/tmp"}]]))
        elif field == "script":
            data["command"] = ["sh", "-c", draw(TEXTS)]
        elif field == "ports":
            data["ports"] = [{"name": "http", "containerPort": "8080"}]
        else:
            data["x"] = draw(TEXTS)
    return data


@st.composite
def pod_specs(draw: Any) -> dict[str, Any]:
    """A pod spec whose lists are there, empty, null or missing, in any order."""
    count = draw(st.integers(1, 2))
    fields: dict[str, Any] = {"containers": [draw(containers(f"app{index}")) for index in range(count)]}
    for key, choices in (
        ("initContainers", [NULL, [], [{"name": "init", "image": "x"}]]),
        ("volumes", [NULL, [], [{"name": "tmp", "emptyDir": {}}], [{"name": "z", "configMap": {"name": "é"}}]]),
        ("restartPolicy", ["Always"]),
        ("nodeSelector", [{"a": "b"}, {}, NULL]),
    ):
        if draw(st.booleans()):
            fields[key] = draw(st.sampled_from(choices))
    order = draw(st.permutations(list(fields)))
    return {key: fields[key] for key in order}


class Quoted(str):
    """A text that is always written in quotes."""

    def isalnum(self) -> bool:
        return False


def marks(declaration: str) -> list[dict[str, str]]:
    """Return the entries of `env` that declare a sidecar."""
    return [{"name": name, "value": Quoted(value)} for name, value in DECLARATIONS[declaration].variables.items()]


@st.composite
def sidecars(draw: Any, name: str, declaration: str) -> dict[str, Any]:
    """A container that is declared a sidecar, its marks anywhere among its fields."""
    data = draw(containers(name))
    if declaration == "native":
        data["restartPolicy"] = "Always"
    elif isinstance(data.get("env"), list):
        data["env"] = draw(st.permutations([*marks(declaration), *data["env"]]))
    else:
        data["env"] = marks(declaration)
    if draw(st.booleans()):
        data["startupProbe"] = {"exec": {"command": ["x"]}}
    return {key: data[key] for key in draw(st.permutations(list(data)))}


@st.composite
def sidecar_specs(draw: Any) -> dict[str, Any]:
    """A pod spec with native sidecars, or acs ones, among its own containers."""
    fields = draw(pod_specs())
    declaration = draw(st.sampled_from(["native", "native", "acs", "eci"]))
    ours = [draw(sidecars(f"side{index}", declaration)) for index in range(draw(st.integers(1, 2)))]
    key = "initContainers" if declaration == "native" else "containers"
    there = fields.get(key)
    mixed = [*ours, *(there if isinstance(there, list) else [])]
    fields[key] = mixed if draw(st.booleans()) else draw(st.permutations(mixed))
    return fields


@st.composite
def workloads(draw: Any, specs: Any = None) -> dict[str, Any]:
    """A Deployment, Pod or CronJob as data."""
    spec = draw(specs if specs is not None else pod_specs())
    template: dict[str, Any] = {}
    metadata = draw(
        st.sampled_from(
            [
                None,
                NULL,
                {},
                {"labels": {"a": "b"}},
                {"annotations": {"note": "x\ny\n"}},
                {"annotations": NULL, "labels": {}},
                {"annotations": {}, "name": "n"},
            ]
        )
    )
    if metadata is not None:
        template["metadata"] = metadata
    template["spec"] = spec
    if draw(st.booleans()):
        template = dict(reversed(template.items()))
    kind = draw(st.sampled_from(["Deployment", "Pod", "CronJob"]))
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": "Pod", **template}
    own = {"metadata": {"name": "web", "namespace": "shop"}}
    if kind == "Deployment":
        return {"apiVersion": "apps/v1", "kind": kind, **own, "spec": {"replicas": "1", "template": template}}
    return {"kind": kind, "apiVersion": "batch/v1", **own, "spec": {"jobTemplate": {"spec": {"template": template}}}}


class _Writer:
    """Writes data as YAML in drawn styles."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.indent_lists = draw(st.sampled_from([0, 2]))
        self.step = draw(st.sampled_from([2, 2, 4]))
        self.comments = draw(st.booleans())
        self.flow_chance = draw(st.sampled_from([0, 0, 0, 5]))

    def _noise(self, column: int, lines: list[str]) -> None:
        if self.comments and self.draw(st.integers(0, 5)) == 0:
            shift = self.draw(st.sampled_from([0, 0, 2, -2]))
            lines.append(self.draw(st.sampled_from(["", " " * max(0, column + shift) + "# a comment: {", "#"])))

    def _tail(self) -> str:
        return self.draw(st.sampled_from(["", "", "", "  # why", " "])) if self.comments else ""

    def scalar(self, text: str, flow: bool = False) -> str:
        plain = text.isalnum() or text in ("http://x:80/", "a b", "1.30", "12:34:56")
        styles = ["double", "double" if "\n" in text or "\t" in text else "single", *(["plain"] * 2 if plain and text else [])]
        style = self.draw(st.sampled_from(styles))
        if style == "plain" and not (flow and ":" in text):
            return text
        return "'" + text.replace("'", "''") + "'" if style == "single" else json.dumps(text, ensure_ascii=False)

    def flow(self, data: Any) -> str:
        if data is NULL:
            return "null"
        if isinstance(data, str):
            return self.scalar(data, flow=True)
        pad = self.draw(st.sampled_from(["", " "]))
        comma = self.draw(st.sampled_from([", ", ","]))
        if isinstance(data, list):
            return f"[{pad}{comma.join(map(self.flow, data))}{pad}]"
        return (
            "{"
            + pad
            + comma.join(f"{self.scalar(key, flow=True)}: {self.flow(value)}" for key, value in data.items())
            + pad
            + "}"
        )

    def _block_text(self, text: str, column: int) -> list[str] | None:
        body = text.rstrip("\n")
        ends = len(text) - len(body)
        if not body or body[0] in " #" or "\t" in body:
            return None
        chomp = "-" if ends == 0 else "" if ends == 1 else "+"
        lines = [" " * column + line if line else "" for line in body.split("\n")]
        return [f"|{chomp}", *lines, *[""] * max(0, ends - 1)]

    def value(self, data: Any, column: int, parent: int, lines: list[str]) -> None:
        """Add a value behind the text that the last line has so far."""
        if data is NULL:
            lines[-1] += self.draw(st.sampled_from(["", " ~", " null", " Null"])) + self._tail()
        elif isinstance(data, str):
            block = self._block_text(data, parent + self.step) if "\n" in data and self.draw(st.booleans()) else None
            if block:
                lines[-1] += " " + block[0]
                lines += block[1:]
            else:
                lines[-1] += " " + self.scalar(data) + self._tail()
        elif not data or self.draw(st.integers(0, 9)) < self.flow_chance:
            lines[-1] += " " + self.flow(data) + self._tail()
        else:
            lines[-1] += self._tail()
            self.block(data, column, lines)

    def block(self, data: Any, column: int, lines: list[str]) -> None:
        if isinstance(data, dict):
            for key, value in data.items():
                self._noise(column, lines)
                lines.append(" " * column + f"{self.scalar(key) if self.draw(st.integers(0, 9)) == 0 else key}:")
                self.value(value, column + (self.indent_lists if isinstance(value, list) else self.step), column, lines)
            return
        for item in data:
            self._noise(column, lines)
            if isinstance(item, dict) and item and self.draw(st.integers(0, 9)) >= self.flow_chance:
                inner: list[str] = []
                self.block(item, column + 2, inner)
                if not inner[0].strip() or inner[0].lstrip()[0] == "#":
                    inner.pop(0)
                inner[0] = " " * column + "- " + inner[0][column + 2 :]
                lines += inner
            else:
                lines.append(" " * column + "-")
                self.value(item, column + 2, column, lines)


@st.composite
def manifest_texts(draw: Any, specs: Any = None) -> str:
    """The text of a stream: a workload, and perhaps other documents around it."""
    newline = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    pieces = []
    for index in range(draw(st.integers(1, 2))):
        lines: list[str] = []
        if index or draw(st.booleans()):
            lines.append("---" + draw(st.sampled_from(["", " # first", " "])))
        if draw(st.integers(0, 9)) == 0:
            lines.append(_Writer(draw).flow(draw(workloads(specs))))
        else:
            _Writer(draw).block(draw(workloads(specs)), 0, lines)
        if draw(st.integers(0, 5)) == 0:
            lines.append("...")
        pieces += lines
        if draw(st.integers(0, 3)) == 0:
            pieces += ["---", "apiVersion: v1", "kind: ConfigMap", "data: {x: 0777, y: &a 1e3, z: *a}  # kept"]
    return newline.join(pieces) + draw(st.sampled_from([newline, newline, newline, ""]))
