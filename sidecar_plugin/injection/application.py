"""What agents add to the application's own containers: mounts and environment variables."""

from typing import Any

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import ClashError
from sidecar_plugin.injection.pod_contents import PodContents
from sidecar_plugin.injection.pod_metadata import agents_clash
from sidecar_plugin.injection.positions import Data
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.equality import same_data
from sidecar_plugin.yamledit.nodes import Mapping, follow

_Items = dict[int, dict[str, tuple[str, Data]]]
"""By the id of a container: the agent and the item, by the mount path or the variable's name."""


class ApplicationAdditions:
    """Additions to the containers of one pod, its init containers where an agent asks for it."""

    __slots__ = ("_contents", "_env", "_mounts", "_results")

    def __init__(self, contents: PodContents, results: Results) -> None:
        self._contents = contents
        self._results = results
        self._mounts: _Items = {}
        self._env: _Items = {}

    def add(self, agent: str, parts: Parts, mounts: list[Data]) -> None:
        """Add the variables of an agent, and its mounts with their volumes' names in the pod. Raises ClashError."""
        containers = [*(self._contents.init_containers() if parts.with_init_containers else ()), *self._contents.containers]
        for mount in mounts:
            for container in containers:
                self._add_mount(agent, mount, container)
        for entry in parts.application_env:
            for container in containers:
                self._add_variable(agent, entry, container)

    def _add_mount(self, agent: str, mount: Data, container: Mapping) -> None:
        path = _as_path(mount["mountPath"])
        for taken, found in self._contents.named("volumeMounts", "mountPath", container).items():
            if _as_path(taken) != path:
                continue
            if scalar_text(follow(found), "name") == mount["name"]:
                return  # a volume that is shared with the agent and mounted there already
            name = scalar_text(container, "name")
            message = f'the container "{name}" has a mount at {taken}, where the agent {agent} adds another'
            raise ClashError(f"{message}; change either path", self._contents.pod.document.place(found.start))
        self._claim(agent, container, self._mounts, path, mount, f"a mount at {path}")

    def _add_variable(self, agent: str, entry: Data, container: Mapping) -> None:
        found = self._contents.named("env", "name", container).get(entry["name"])
        if found is None:
            self._claim(agent, container, self._env, entry["name"], entry, f"a variable {entry['name']}")
        elif (value := scalar_text(follow(found), "value")) is None or value != entry.get("value"):
            name = scalar_text(container, "name")
            message = f'the container "{name}" sets {entry["name"]} itself; its value stays, not that of the agent {agent}'
            self._results.warn(message, self._contents.pod.document.place(found.start))

    def _claim(self, agent: str, container: Mapping, to: _Items, key: str, item: Data, what: str) -> None:
        items = to.setdefault(id(container), {})
        other, same = items.get(key, (agent, item))
        if not same_data(same, item):
            what = f"{what} to the application's containers, with different contents"
            raise agents_clash(self._contents.pod, agent, other, what)
        items[key] = (other, item)

    def lists(self) -> list[tuple[Mapping, dict[str, list[Data]]]]:
        """Return what is added behind the env and volumeMounts of each container that gets something, in the pod's order."""
        return [
            (
                container,
                {
                    "env": [entry for _, entry in self._env.get(id(container), {}).values()],
                    "volumeMounts": [mount for _, mount in self._mounts.get(id(container), {}).values()],
                },
            )
            for container in (*self._contents.init_containers(), *self._contents.containers)
            if id(container) in self._env or id(container) in self._mounts
        ]


def _as_path(path: Any) -> str:
    return str(path).rstrip("/") or "/"
