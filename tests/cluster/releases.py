"""A real Helm with the plugin as `helm plugin install` leaves it, and the releases it makes on a real API server."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.conftest import ROOT, Cluster

SIDECAR_FOLDERS = {"helm3": "sidecar-helm3", "helm4": "sidecar-helm4"}
SIDECAR_NAMES = {"helm3": "sidecar", "helm4": "sidecar-cli"}


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Standard error on one line, without the quoting and folding that Helm 4 gives it."""
        return " ".join(self.stderr.replace("\\\n", "").replace('\\"', '"').replace("\\", "").split())


@dataclass(frozen=True, slots=True)
class Releases:
    """A Helm, folders of its own for it, and a namespace of its own on the API server."""

    version: str
    folder: Path
    cluster: Cluster
    namespace: str

    def run(self, *words: str | Path, **variables: str) -> Done:
        """Run helm, with further environment variables, to whatever end."""
        homes = {f"HELM_{name}_HOME": str(self.folder / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # Helm 3's post-renderer
        environment = {
            **homes,
            "PATH": path,
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "HELM_NAMESPACE": self.namespace,
            **variables,
        }
        done = subprocess.run(
            [ROOT / "tools" / "bin" / self.version, *words], env=environment, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def helm(self, *words: str | Path) -> str:
        """Run helm, which has to succeed, and return its standard output."""
        done = self.run(*words)
        assert done.status == 0, f"helm {' '.join(map(str, words))}\n{done.stderr}{done.stdout}"
        return done.stdout

    def revision(self, release: str) -> int:
        """Return the release's revision."""
        return int(json.loads(self.helm("history", release, "--output=json"))[-1]["revision"])

    def live(self, *kinds: str) -> dict[str, Any]:
        """Return the live objects of these kinds: what their authors wrote of them, under Kind/name."""
        items = self.cluster.get(",".join(kinds), "--namespace", self.namespace)["items"]
        return {f"{item['kind']}/{item['metadata']['name']}": _written(item) for item in items}


def _written(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what the API server and Helm keep in it."""
    own = ("resourceVersion", "generation", "uid", "creationTimestamp")
    metadata = {key: value for key, value in item["metadata"].items() if key not in own}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def containers(item: dict[str, Any]) -> dict[str, str]:
    """Return the containers of a workload with the list they stand in, the native sidecars told apart."""
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    pod = spec["template"]["spec"]
    native = {
        one["name"]: "native" if one.get("restartPolicy") == "Always" else "init" for one in pod.get("initContainers", ())
    }
    return native | {one["name"]: "regular" for one in pod["containers"]}
