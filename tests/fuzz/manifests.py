"""Streams of manifests: workloads with pods whose every extended field may be there, empty, null, shared or missing."""

import random

from tests.fuzz.writer import NULL, TEXTS, WORDS, Data, Writer


class Anchored:
    """A collection that the writer gives an anchor."""

    def __init__(self, name: str, data: Data) -> None:
        self.name = name
        self.data = data


class AliasTo:
    """An alias to an anchored collection."""

    def __init__(self, name: str) -> None:
        self.name = name


class ManifestWriter(Writer):
    """Draws a stream, and writes collections that are shared through aliases and merge keys."""

    def value(self, data: Data, column: int, parent: int, lines: list[str]) -> None:
        if isinstance(data, AliasTo):
            lines[-1] += f" *{data.name}{self.tail()}"
        elif isinstance(data, Anchored):
            lines[-1] += f" &{data.name}"
            super().value(data.data, column, parent, lines)
        else:
            super().value(data, column, parent, lines)

    def flow(self, data: Data, column: int) -> str:
        if isinstance(data, AliasTo):
            return f"*{data.name} "
        if isinstance(data, Anchored):
            return f"&{data.name} {super().flow(data.data, column)}"
        return super().flow(data, column)

    def properties(self, tag: str) -> str:
        return "" if self.sharing else super().properties(tag)  # a node has one anchor

    sharing = False

    # --- data

    def _maybe(self, key: str, data: dict[str, Data], options: list[Data]) -> None:
        if self.chance(0.45):
            data[key] = self.pick(*options)

    def _null(self) -> list[Data]:
        return [NULL] if "nulls" in self.flavours else []

    def container(self, name: str) -> dict[str, Data]:
        """Return a container with some of the fields that are extended, and others around them."""
        data: dict[str, Data] = {"name": name}
        word = self.pick(*WORDS)
        self._maybe("image", data, [word or "x"])
        self._maybe("args", data, [[self.pick(*WORDS), self.pick(*TEXTS)], [], [word]])
        envs: list[Data] = [[{"name": "A", "value": word}], [{"name": "B", "value": self.pick(*TEXTS)}, {"name": "C"}], []]
        self._maybe("env", data, [*envs, *self._null()])
        mounts: list[Data] = [[{"name": "tmp", "mountPath": "/tmp"}], []]
        self._maybe("volumeMounts", data, [*mounts, *self._null()])
        self._maybe("command", data, [["sh", "-c", self.pick(*TEXTS)]])
        self._maybe("ports", data, [[{"name": "http", "containerPort": "8080"}]])
        self._maybe("odd", data, [word, {}, {"deep": [[], [["x"]], {"y": {}}]}, *self._null()])
        keys = list(data)
        if self.chance(0.3):
            self.random.shuffle(keys)
        return {key: data[key] for key in keys}

    def pod_spec(self) -> dict[str, Data]:
        """Return a pod spec."""
        containers: list[Data] = [self.container(f"app{index}") for index in range(self.pick(1, 1, 2, 3))]
        data: dict[str, Data] = {"containers": containers}
        self._maybe("initContainers", data, [[self.container("init0")], [], *self._null()])
        self._maybe("volumes", data, [[{"name": "tmp", "emptyDir": {}}], [], *self._null()])
        self._maybe("imagePullSecrets", data, [[{"name": "registry"}], [], *self._null()])
        self._maybe("nodeSelector", data, [{"a": self.pick(*WORDS)}, {}])
        self._maybe("tolerations", data, [[{"key": "x", "operator": "Exists"}]])
        if len(containers) > 1 and self.has("shared lists", 0.7):
            self._share(containers)
        if len(containers) > 1 and self.has("merges", 0.7):
            self._merge(containers)
        keys = list(data)
        if self.chance(0.4):
            self.random.shuffle(keys)
        return {key: data[key] for key in keys}

    def _share(self, containers: list[Data]) -> None:
        key = self.pick("env", "volumeMounts", "ports", "odd")
        first = next((each for each in containers if isinstance(each.get(key), (dict, list)) and each[key]), None)
        if first is None:
            return
        self.counter += 1
        first[key] = Anchored(f"s{self.counter}", first[key])
        for other in containers[containers.index(first) + 1 :]:
            other[key] = AliasTo(f"s{self.counter}")

    def _merge(self, containers: list[Data]) -> None:
        self.counter += 1
        base = f"m{self.counter}"
        containers[0] = Anchored(base, containers[0])
        for index in range(1, len(containers)):
            other = containers[index]
            own = {key: value for key, value in other.items() if key in ("name", "image") or self.chance(0.4)}
            containers[index] = {"<<": AliasTo(base), **own} if self.chance(0.7) else {**own, "<<": AliasTo(base)}

    def metadata(self) -> Data:
        """Return a pod template's metadata, null or a mapping."""
        if self._null() and self.chance(0.1):
            return NULL
        data: dict[str, Data] = {}
        self._maybe("labels", data, [{"app": "x", "v": self.pick(*WORDS)}, {}, *self._null()])
        self._maybe("annotations", data, [{"note": self.pick(*TEXTS)}, {"a/b": self.pick(*WORDS)}, {}, *self._null()])
        return data

    def workload(self) -> dict[str, Data]:
        """Return a Deployment, Pod, CronJob, Job or List."""
        kind = self.pick(
            "Deployment", "Deployment", "Pod", "CronJob", "StatefulSet", *(["List"] if "lists" in self.flavours else [])
        )
        if kind == "List":
            return {"apiVersion": "v1", "kind": "List", "items": [self.workload_of("Deployment"), self.workload_of("Pod")]}
        return self.workload_of(kind)

    def workload_of(self, kind: str) -> dict[str, Data]:
        template: dict[str, Data] = {"spec": self.pod_spec()}
        if self.chance(0.7):
            metadata = self.metadata()
            template = {"metadata": metadata, **template} if self.chance(0.6) else {**template, "metadata": metadata}
        head = {"apiVersion": {"Pod": "v1", "CronJob": "batch/v1"}.get(kind, "apps/v1"), "kind": kind}
        if kind == "Pod":
            return {**head, **template}
        data: dict[str, Data] = {**head, "metadata": {"name": self.pick("web", "0777", "a-b")}}
        if kind == "CronJob":
            return {**data, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}}
        return {**data, "spec": {"replicas": "1", "template": template}}

    # --- the stream

    def stream(self) -> str:
        """Return the text of a stream."""
        pieces: list[str] = []
        for index in range(self.pick(1, 1, 2, 3)):
            self.start_document()
            data = self.workload()
            self.sharing = any(flavour in self.flavours for flavour in ("shared lists", "merges"))
            lines: list[str] = []
            if self.has("directives", 0.5) and (not index or pieces[-1] == "..."):
                lines += ["%YAML 1.1", "---"]
            elif index or self.chance(0.5):
                lines.append("---" + (self.pick(" # first", " ", self.blank) if self.has("comments", 0.4) else ""))
            if self.has("flow", 0.3):
                lines.append(self.flow(data, 0))
            else:
                self.block(data, self.pick(0, 0, 0, 2) if lines else 0, lines)
            self.sharing = False
            if self.has("ends", 0.5):
                lines.append("..." + self.tail())
            pieces += lines
            if self.has("foreign", 0.5):
                pieces += ["---", *self.pick(*FOREIGN)]
        text = self.newline.join(pieces)
        last = pieces[-1]
        return text + self.pick(self.newline, self.newline, self.newline, "" if last else self.newline, self.newline * 3)


FOREIGN = (
    ["apiVersion: v1", "kind: ConfigMap", "data: {x: 0777, y: &a 1e3, z: *a }  # kept"],
    ["# only a comment about a Deployment"],
    ["- a", "-  - b", "   - {c: [d]}"],
    ["just text, and", "  more of it"],
    ["|", " a literal Pod", " kind: Pod"],
    ["apiVersion: v1", "kind: Service", "metadata: {name: web}", "spec: !!map {ports: [{port: 80}]}"],
    [""],
)


def stream(seed: int) -> str:
    """Return the stream of a seed."""
    return ManifestWriter(random.Random(seed)).stream()  # repeatable is what it has to be
