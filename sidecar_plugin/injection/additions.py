"""Everything that agents add to one pod template, compared with what the pod has and with each other.

A conflict with the pod, or between two agents, is a ClashError that names both sides.
"""

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import ClashError, did_you_mean
from sidecar_plugin.injection.application import ApplicationAdditions
from sidecar_plugin.injection.marker import identity_key
from sidecar_plugin.injection.pod_contents import CONTAINER_LISTS, STDOUT, PodContents
from sidecar_plugin.injection.pod_metadata import MetadataAdditions, agents_clash, clash
from sidecar_plugin.injection.positions import Data, ListAdditions, Position
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.runtime.report import InjectedAgent, Results
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.equality import same_data


class PodAdditions:
    """Additions to one pod template, in the order of the agents."""

    __slots__ = (
        "_lists", "_mounted", "_names", "_pod", "_results", "_secrets", "_stdout", "_volumes",
        "agents", "application", "contents", "manifests", "metadata",
    )  # fmt: skip

    def __init__(self, pod: PodTemplate, results: Results) -> None:
        self._pod = pod
        self._results = results
        self.contents = PodContents(pod)
        self.metadata = MetadataAdditions(self.contents)
        self.application = ApplicationAdditions(self.contents, results)
        self.agents: list[InjectedAgent] = []
        self.manifests: list[tuple[str, Data]] = []
        self._lists = {name: ListAdditions([], {}, []) for name in ("containers", "initContainers")}
        self._names: dict[str, str] = {}
        self._volumes: dict[str, tuple[str, Data]] = {}
        self._secrets: dict[str, Data] = {}
        self._mounted: dict[str, str] = {}  # volumes by the agent that mounts them
        self._stdout: str | None = None

    def add(self, agent: str, declaration: Declaration, position: Position, container: Data, parts: Parts) -> None:
        """Add one agent: its declared container at `position` of the declaration's list, and its other parts.

        Raises ClashError.
        """
        renamed = self._add_volumes(agent, parts.volumes)
        where = self._known_position(agent, declaration, position)
        for init in parts.init_containers:
            self._claim_name(agent, init["name"])
            at = where if isinstance(where, str) or declaration.list_name == "initContainers" else "first"
            self._place("initContainers", at, self._mounting(agent, init, renamed))
        self._claim_name(agent, container["name"])
        self._place(declaration.list_name, where, self._mounting(agent, container, renamed))
        self.metadata.list_in(declaration.listed_in, container["name"])
        mounts = [{**mount, "name": renamed.get(mount["name"], mount["name"])} for mount in parts.application_mounts]
        for mount in mounts:
            self._mounted.setdefault(mount["name"], agent)
        self.application.add(agent, parts, mounts)
        self.metadata.add(agent, "annotations", parts.pod_annotations)
        self.metadata.add(agent, "labels", parts.pod_labels)
        for secret in parts.image_pull_secrets:
            if secret["name"] not in self.contents.named("imagePullSecrets"):
                self._secrets[secret["name"]] = secret
        self.agents.append(InjectedAgent(agent, declaration.name, container["name"]))
        self.manifests += [(agent, manifest) for manifest in parts.manifests]

    # --- positions

    def _known_position(self, agent: str, declaration: Declaration, position: Position) -> Position:
        """Return the position, or the declaration's own with a warning if it names no container of the list."""
        if isinstance(position, str):
            return position
        [(side, name)] = position.items()
        own = list(self.contents.named(declaration.list_name))
        added = [item["name"] for item in self._lists[declaration.list_name].all()]
        if name in own or name in added:
            return position
        hint = did_you_mean(name, [*own, *added])
        message = f'the agent {agent} is to be {side} "{name}", and {declaration.list_name} has no such container{hint}'
        place = self._pod.document.place(self._pod.offset)
        self._results.warn(f"{self._pod.kind}/{self._pod.name}: {message}; it is {declaration.position} instead", place)
        return declaration.position

    def _place(self, list_name: str, position: Position, item: Data) -> None:
        self._lists[list_name].place(item, position, list(self.contents.named(list_name)))

    # --- names and volumes

    def _claim_name(self, agent: str, name: str) -> None:
        for key in CONTAINER_LISTS:
            if found := self.contents.named(key).get(name):
                remedy = f"rename either, the agent's with agents.{agent}.container.name"
                raise clash(self._pod, agent, f'a container "{name}" ({key})', found, remedy)
        if other := self._names.get(name):
            raise agents_clash(self._pod, agent, other, f'a container "{name}"')
        self._names[name] = agent

    def _add_volumes(self, agent: str, volumes: list[Data]) -> dict[str, str]:
        """Add volumes; return the names of those that the pod has already (a Stdout volume), with their names in the pod."""
        own, claims = self.contents.named("volumes"), self.contents.claim_templates() if volumes else {}
        renamed = {}
        for volume in volumes:
            name = volume["name"]
            empty_dir = volume.get("emptyDir")
            if isinstance(empty_dir, dict) and empty_dir.get("medium") == STDOUT:
                if self._stdout is None:
                    self._stdout = self.contents.stdout_volume()
                if self._stdout is not None:
                    renamed[name] = self._stdout
                    continue
                self._stdout = name
            if found := own.get(name):
                raise clash(self._pod, agent, f'a volume "{name}"', found, "rename either")
            if found := claims.get(name):
                what = f'a volume claim template "{name}"'
                raise clash(
                    self._pod, agent, what, found, "the claim wins, so the agent would write to its disk; rename either"
                )
            other, same = self._volumes.get(name, (agent, volume))
            if not same_data(same, volume):
                raise agents_clash(self._pod, agent, other, f'a volume "{name}", with different contents')
            self._volumes[name] = (other, volume)
        return renamed

    def check_mounts(self) -> None:
        """Raise ClashError for a mount of a volume that neither the agents nor the pod have: the API server refuses the pod."""
        known = [*self._volumes, *self.contents.named("volumes")]
        if self._mounted.keys() <= set(known):
            return
        known += self.contents.claim_templates()
        for name, agent in self._mounted.items():
            if name not in known:
                message = f'the agent {agent} mounts the volume "{name}", which neither the agents nor the pod have'
                message += f"{did_you_mean(name, known)}; add it to the volumes of the agent or of the pod"
                raise ClashError(message, self._pod.document.place(self._pod.offset), f"{self._pod.path}spec.volumes")

    def _mounting(self, agent: str, container: Data, renamed: dict[str, str]) -> Data:
        """Return an agent's container with mounts of the pod's own volumes where those are shared."""
        mounts = [mount for mount in container.get("volumeMounts") or () if isinstance(mount, dict)]
        names = [str(mount.get("name", "")) for mount in mounts]
        for name in names:
            self._mounted.setdefault(renamed.get(name, name), agent)
        if renamed.keys().isdisjoint(names):
            return container
        changed = [{**mount, "name": renamed.get(name, name)} for mount, name in zip(mounts, names, strict=True)]
        return {**container, "volumeMounts": changed}

    def pull_secrets_note(self) -> str:
        """Return what the report says where the pod gets its first pull secrets: from then on it no longer gets those of its
        service account (https://kubernetes.io/docs/concepts/security/service-accounts/#add-imagepullsecrets)."""
        if not self._secrets or self.contents.named("imagePullSecrets"):
            return ""
        return "with imagePullSecrets of its own the pod no longer gets those of its service account: name them too"

    # --- what the writer inserts

    def names(self) -> dict[str, list[str]]:
        """Return the names of all that is added, by the field path of its list or map in the pod template."""
        found: dict[str, list[str]] = {}
        for container, added in self.application.lists():
            inside = f"spec.{self.contents.list_name(container)}[{scalar_text(container, 'name') or ''}]"
            found |= {f"{inside}.{key}": [item[identity_key(key)] for item in items] for key, items in added.items()}
        found |= {f"spec.{key}": [item["name"] for item in listed.all()] for key, listed in self.lists().items()}
        found |= {f"metadata.{kind}": list(entries) for kind, entries in self.metadata.strings().items()}
        return {path: names for path, names in found.items() if names}

    def lists(self) -> dict[str, ListAdditions]:
        """Return what is added to each list of the pod spec."""
        return {
            "containers": self._lists["containers"],
            "initContainers": self._lists["initContainers"],
            "volumes": ListAdditions([], {}, [volume for _, volume in self._volumes.values()]),
            "imagePullSecrets": ListAdditions([], {}, list(self._secrets.values())),
        }
