"""Everything that is added to one pod template: gathered from the agents and held against what is there.

What clashes with the pod, or between two agents, is a ClashError that names both sides.
"""

from typing import Any

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import ClashError, ManifestError
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.runtime.report import InjectedAgent, Results
from sidecar_plugin.yamledit.access import check_once, effective_pair, scalar_text
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, is_null, kind_of

_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
STDOUT = "Stdout"
"""The medium of ACS's emptyDir that holds what the pod's containers write to stdout; a pod can have one such volume."""

Data = dict[str, Any]


class PodPatch:
    """Additions to one pod template, ordered as the agents are."""

    __slots__ = (
        "_annotations",
        "_containers",
        "_env",
        "_existing_items",
        "_first",
        "_labels",
        "_last",
        "_mounts",
        "_names",
        "_pod",
        "_results",
        "_secrets",
        "_stdout",
        "_volumes",
        "agents",
        "listed",
        "manifests",
    )  # fmt: skip

    def __init__(self, pod: PodTemplate, results: Results) -> None:
        self._pod = pod
        self._results = results
        self.agents: list[InjectedAgent] = []
        self.manifests: list[tuple[str, Data]] = []
        self._first: dict[str, list[Data]] = {"initContainers": [], "containers": []}
        self._last: dict[str, list[Data]] = {"initContainers": [], "containers": []}
        self._names: dict[str, str] = {}
        self._volumes: dict[str, tuple[str, Data]] = {}
        self._secrets: dict[str, Data] = {}
        self._mounts: dict[int, dict[str, tuple[str, Data]]] = {}
        self._env: dict[int, dict[str, tuple[str, Data]]] = {}
        self._annotations: dict[str, tuple[str, str]] = {}
        self._labels: dict[str, tuple[str, str]] = {}
        self.listed: dict[str, list[str]] = {}
        self._existing_items: dict[tuple[int, str], dict[str, Node]] = {}
        self._containers = self._application_containers()
        self._stdout: str | None = None

    def add(self, agent: str, declaration: Declaration, position: str, container: Data, parts: Parts) -> None:
        """Add one agent: its declared container goes to the declaration's list and that position, its parts to where they
        belong.

        Raises ClashError.
        """
        renamed = self._add_volumes(agent, parts.volumes)
        at = self._first if position == "first" else self._last
        for init in parts.init_containers:
            self._claim_name(agent, init["name"])
            at["initContainers"].append(_with_volumes_renamed(init, renamed))
        self._claim_name(agent, container["name"])
        at[declaration.list_name].append(_with_volumes_renamed(container, renamed))
        for annotation in declaration.listed_in:
            self.listed.setdefault(annotation, []).append(container["name"])
        for mount in parts.application_mounts:
            self._add_mount(agent, {**mount, "name": renamed[mount["name"]]} if mount["name"] in renamed else mount)
        for entry in parts.application_env:
            self._add_env(agent, entry)
        self._add_strings(agent, "annotations", parts.pod_annotations, self._annotations)
        self._add_strings(agent, "labels", parts.pod_labels, self._labels)
        for secret in parts.image_pull_secrets:
            if secret["name"] not in self._existing("imagePullSecrets", "name"):
                self._secrets[secret["name"]] = secret
        self.agents.append(InjectedAgent(agent, declaration.name, container["name"]))
        self.manifests += [(agent, manifest) for manifest in parts.manifests]

    # --- what the pod has

    def _application_containers(self) -> list[Mapping]:
        pair = effective_pair(self._pod.spec, "containers")
        node = follow(pair[1]) if pair else None
        assert isinstance(node, Sequence)
        return [container for container in map(follow, node.items) if isinstance(container, Mapping)]

    def _list(self, mapping: Mapping, key: str) -> Sequence | None:
        path = self._path_of(mapping)
        check_once(self._pod.document, mapping, key, path)
        field = path + key
        pair = effective_pair(mapping, key)
        if pair is None or is_null(follow(pair[1])):
            return None
        node = follow(pair[1])
        if not isinstance(node, Sequence):
            raise ManifestError(f"must be a list, but is {kind_of(pair[1])}", self._pod.document.place(pair[1].start), field)
        return node

    def _path_of(self, mapping: Mapping) -> str:
        if mapping is self._pod.spec:
            return f"{self._pod.path}spec."
        return f"{self._pod.path}spec.containers[{scalar_text(mapping, 'name') or '?'}]."

    def _existing(self, key: str, identity: str, mapping: Mapping | None = None) -> dict[str, Node]:
        """Return the items of a list of the pod spec, or of the container `mapping`, by what identifies them."""
        mapping = mapping or self._pod.spec
        existing = self._existing_items.get((id(mapping), key))
        if existing is None:
            node = self._list(mapping, key)
            named = ((scalar_text(follow(item), identity), item) for item in (node.items if node else ()))
            existing = {name: item for name, item in named if name is not None}
            self._existing_items[id(mapping), key] = existing
        return existing

    def _existing_stdout_volume(self) -> str | None:
        volumes = self._list(self._pod.spec, "volumes")
        for item in volumes.items if volumes else ():
            volume = follow(item)
            pair = effective_pair(volume, "emptyDir") if isinstance(volume, Mapping) else None
            if pair and scalar_text(follow(pair[1]), "medium") == STDOUT:
                return scalar_text(volume, "name")
        return None

    # --- what the agents bring

    def _clash(self, agent: str, what: str, node: Node, remedy: str) -> ClashError:
        message = f"{what} is in the pod already, and the agent {agent} brings one of that name; {remedy}"
        return ClashError(message, self._pod.document.place(node.start), self._pod.path + "spec")

    def _agents_clash(self, agent: str, other: str, what: str) -> ClashError:
        message = f"the agents {other} and {agent} both bring {what}; change one of them"
        return ClashError(message, self._pod.document.place(self._pod.offset), self._pod.path + "spec")

    def _claim_name(self, agent: str, name: str) -> None:
        for key in _CONTAINER_LISTS:
            if found := self._existing(key, "name").get(name):
                remedy = f"rename either, the agent's with agents.{agent}.container.name"
                raise self._clash(agent, f'a container "{name}" ({key})', found, remedy)
        if other := self._names.get(name):
            raise self._agents_clash(agent, other, f'a container "{name}"')
        self._names[name] = agent

    def _add_volumes(self, agent: str, volumes: list[Data]) -> dict[str, str]:
        existing = self._existing("volumes", "name")
        renamed = {}
        for volume in volumes:
            name = volume["name"]
            empty_dir = volume.get("emptyDir")
            if isinstance(empty_dir, dict) and empty_dir.get("medium") == STDOUT:
                if self._stdout is None:
                    self._stdout = self._existing_stdout_volume()
                if self._stdout is not None:
                    renamed[name] = self._stdout
                    continue
                self._stdout = name
            if found := existing.get(name):
                remedy = "rename either"
                raise self._clash(agent, f'a volume "{name}"', found, remedy)
            other, same = self._volumes.get(name, (agent, volume))
            if same != volume:
                raise self._agents_clash(agent, other, f'a volume "{name}", but not the same one')
            self._volumes[name] = (other, volume)
        return renamed

    def _add_mount(self, agent: str, mount: Data) -> None:
        path = _as_path(mount["mountPath"])
        for container in self._containers:
            existing = self._existing("volumeMounts", "mountPath", container)
            for taken, found in existing.items():
                if _as_path(taken) != path:
                    continue
                if scalar_text(follow(found), "name") == mount["name"]:
                    break  # a volume that is shared with the agent, mounted there already
                name = scalar_text(container, "name")
                message = f'the container "{name}" mounts something at {taken} already, where the agent {agent} mounts its own'
                raise ClashError(f"{message}; change either path", self._pod.document.place(found.start))
            else:
                self._add_to_container(agent, container, self._mounts, path, mount, f"a mount at {path}")

    def _add_env(self, agent: str, entry: Data) -> None:
        for container in self._containers:
            found = self._existing("env", "name", container).get(entry["name"])
            if found is None:
                self._add_to_container(agent, container, self._env, entry["name"], entry, f"a variable {entry['name']}")
            elif (value := scalar_text(follow(found), "value")) is None or value != entry.get("value"):
                name = scalar_text(container, "name")
                message = (
                    f'the container "{name}" sets {entry["name"]} itself; its value is kept, not that of the agent {agent}'
                )
                self._results.warn(message, self._pod.document.place(found.start))

    def _add_to_container(
        self,
        agent: str,
        container: Mapping,
        to: dict[int, dict[str, tuple[str, Data]]],
        key: str,
        item: Data,
        what: str,
    ) -> None:
        items = to.setdefault(id(container), {})
        other, same = items.get(key, (agent, item))
        if same != item:
            raise self._agents_clash(agent, other, f"{what} into the application's containers, but not the same one")
        items[key] = (other, item)

    def _add_strings(self, agent: str, kind: str, strings: dict[str, str], to: dict[str, tuple[str, str]]) -> None:
        existing = self._existing_strings(kind) if strings else None
        for key, value in strings.items():
            found = effective_pair(existing, key) if isinstance(existing, Mapping) else None
            if found is not None:
                if isinstance(follow(found[1]), Scalar) and scalar_text(existing, key) == value:  # type: ignore[arg-type]
                    continue
                what = f'the pod\'s {kind[:-1]} "{key}" with another value'
                raise self._clash(agent, what, found[0], "change either")
            other, same = to.get(key, (agent, value))
            if same != value:
                raise self._agents_clash(agent, other, f'the pod {kind[:-1]} "{key}", but not the same value')
            to[key] = (other, value)

    def _existing_strings(self, kind: str) -> Node | None:
        metadata = self._template_metadata()
        if metadata:
            check_once(self._pod.document, metadata, kind, f"{self._pod.path}metadata.")
        pair = effective_pair(metadata, kind) if metadata else None
        return follow(pair[1]) if pair else None

    def _template_metadata(self) -> Mapping | None:
        pair = effective_pair(self._pod.template, "metadata")
        node = follow(pair[1]) if pair else None
        return node if isinstance(node, Mapping) else None

    # --- what is to be written

    def lists(self) -> dict[str, tuple[list[Data], list[Data]]]:
        """Return what goes in front of and behind the items of each list of the pod spec."""
        return {
            "containers": (self._first["containers"], self._last["containers"]),
            "initContainers": (self._first["initContainers"], self._last["initContainers"]),
            "volumes": ([], [volume for _, volume in self._volumes.values()]),
            "imagePullSecrets": ([], list(self._secrets.values())),
        }

    def container_lists(self) -> list[tuple[Mapping, dict[str, list[Data]]]]:
        """Return what goes behind the env and volumeMounts of each application container."""
        return [
            (
                container,
                {
                    "env": [entry for _, entry in self._env.get(id(container), {}).values()],
                    "volumeMounts": [mount for _, mount in self._mounts.get(id(container), {}).values()],
                },
            )
            for container in self._containers
        ]

    def strings(self) -> dict[str, dict[str, str]]:
        """Return the pod annotations and labels to add, without the marker."""
        there = self._existing_strings("annotations") if self.listed else None
        listed = {
            key: ",".join(names)
            for key, names in self.listed.items()
            if not isinstance(there, Mapping) or effective_pair(there, key) is None
        }
        return {
            "annotations": {**{key: value for key, (_, value) in self._annotations.items()}, **listed},
            "labels": {key: value for key, (_, value) in self._labels.items()},
        }

    def joined(self) -> list[tuple[Mapping, Scalar, str]]:
        """Return what is to be written behind the values of annotations that the pod has already and that list containers: the
        annotations, the value, and the text to add. Raises ManifestError for one that is no text."""
        there = self._existing_strings("annotations") if self.listed else None
        found = []
        for key, names in self.listed.items():
            pair = effective_pair(there, key) if isinstance(there, Mapping) else None
            if pair is None or not isinstance(there, Mapping):
                continue
            check_once(self._pod.document, there, key, f"{self._pod.path}metadata.annotations.")
            if pair not in there.pairs or not isinstance(pair[1], Scalar) or is_null(pair[1]):
                message = f'the annotation "{key}" is to list the sidecars, and it is no text here; write it out as text'
                raise ManifestError(message, self._pod.document.place(pair[0].start), f"{self._pod.path}metadata.annotations")
            own = [name.strip() for name in pair[1].value.split(",") if name.strip()]
            new = [name for name in names if name not in own]
            if new:
                found.append((there, pair[1], ("," if own else "") + ",".join(new)))
        return found


def _as_path(path: Any) -> str:
    return str(path).rstrip("/") or "/"


def _with_volumes_renamed(container: Data, renamed: dict[str, str]) -> Data:
    mounts = container.get("volumeMounts")
    if not renamed or not isinstance(mounts, list):
        return container
    changed = [
        {**mount, "name": renamed.get(mount.get("name", ""), mount.get("name"))} if isinstance(mount, dict) else mount
        for mount in mounts
    ]
    return {**container, "volumeMounts": changed}
