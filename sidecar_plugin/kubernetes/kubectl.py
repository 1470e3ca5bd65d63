"""Asking a cluster by the user's own kubectl, with the user's context and rights."""

import json
import math
import re
import subprocess
from typing import Any, NamedTuple

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion, parse_cluster_version
from sidecar_plugin.yamledit.emitter import block
from sidecar_plugin.yamledit.source import Source

_SECONDS = 60  # for one answer
_FORBIDDEN = re.compile(r"^Error from server \(Forbidden\): (\S+) is forbidden", re.MULTILINE)
_OTHER_ERROR = re.compile(r"^(?:error:|Unable to|The connection|Error from server \((?!Forbidden)).*", re.MULTILINE)


class KubectlError(SidecarPluginError):
    """kubectl is not there, or did not succeed."""


class ResourceTypes(NamedTuple):
    """The types that the API server serves, as (group, kind, what kubectl calls it, such as rollouts.argoproj.io)."""

    rows: tuple[tuple[str, str, str], ...]

    def names(self, wanted: list[tuple[str, str]]) -> list[str]:
        """Return what kubectl calls those of these groups and kinds that the API server serves."""
        return [name for group, kind, name in self.rows if (group, kind) in wanted]


class Kubectl(NamedTuple):
    """The program, the options that choose the cluster, and those that choose objects in it.

    `by_hand` is the command line that does without the program, by what it printed elsewhere, "" where there is none.
    """

    program: str
    connection: tuple[str, ...]
    selection: tuple[str, ...]
    by_hand: str = ""

    def pods_and_jobs(self) -> bytes:
        """Return what `kubectl get pods,jobs -o json` says. Raises KubectlError."""
        return self._run("get", "pods,jobs", *self.selection, "-o", "json")

    def version(self) -> ClusterVersion:
        """Return the API server's version. Raises KubectlError."""
        try:
            return parse_cluster_version(str(json.loads(self._run("version", "-o", "json"))["serverVersion"]["gitVersion"]))
        except (ValueError, LookupError, TypeError):
            raise KubectlError(f"`{self.program} version -o json` tells no serverVersion; give --cluster-version") from None

    def types(self) -> ResourceTypes:
        """Return the types of objects that can be listed. Raises KubectlError."""
        rows = (line.split() for line in self._run("api-resources", "--verbs=list", "--no-headers").decode().splitlines())
        found = []
        for row in rows:  # NAME, short names where there are any, APIVERSION, NAMESPACED, KIND
            if len(row) >= 4:
                group = row[-3].rpartition("/")[0]
                found.append((group, row[-1], f"{row[0]}.{group}" if group else row[0]))
        return ResourceTypes(tuple(found))

    def objects(self, names: list[str], is_namespaced: bool = True) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the objects of these types, and the names of those that the user may not list. Raises KubectlError."""
        if not names:
            return [], []
        words = ("get", ",".join(names), *(self.selection if is_namespaced else ()), "--ignore-not-found", "-o", "json")
        done = self._done(*words)
        said = done.stderr.decode(errors="replace")
        if done.returncode != 0 and (_OTHER_ERROR.search(said) or not _FORBIDDEN.search(said)):
            raise self._failed(done, *words)
        try:
            data = json.loads(done.stdout or b"{}", parse_constant=_finite, parse_float=_finite)
            items = data.get("items", [data] if data else [])
        except (ValueError, AttributeError, RecursionError):
            raise KubectlError(f"`{self.program} {' '.join(words)}` says what is no JSON") from None
        if not isinstance(items, list):
            raise KubectlError(f"`{self.program} {' '.join(words)}` says what is no list of objects")
        return [item for item in items if isinstance(item, dict)], _FORBIDDEN.findall(said)

    def _run(self, *words: str) -> bytes:
        done = self._done(*words)
        if done.returncode != 0:
            raise self._failed(done, *words)
        return done.stdout

    def _done(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        command = (self.program, *words, *self.connection)
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except OSError as error:
            by_hand = f", or hand over what it prints elsewhere: `{self.by_hand}`" if self.by_hand else ""
            message = f"{self.program} cannot be run ({error.strerror}); name it with --kubectl{by_hand}"
            raise KubectlError(message) from None
        except subprocess.TimeoutExpired:
            raise KubectlError(f"`{' '.join(command)}` has not answered in {_SECONDS} seconds") from None

    def _failed(self, done: "subprocess.CompletedProcess[bytes]", *words: str) -> KubectlError:
        said = " ".join(done.stderr.decode(errors="replace").split())
        command = " ".join((self.program, *words, *self.connection))
        return KubectlError(f"`{command}` ended with {done.returncode}: {said}")


def _finite(number: str) -> float:
    """Return a number of JSON. Raises ValueError for NaN, Infinity and what is as large, which Kubernetes does not have."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def without_owned(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects but for those that a controller among them made, such as the pods of a Job."""
    known = {str(_metadata(each).get("uid")) for each in objects}
    return [each for each in objects if not any(str(owner.get("uid")) in known for owner in _controllers(each))]


def source_of(data: dict[str, Any]) -> Source:
    """Return an object as `kubectl get -o yaml` shows it, named NAMESPACE/KIND/NAME."""
    metadata = {key: value for key, value in _metadata(data).items() if key != "managedFields"}
    name = "/".join(str(part) for part in (metadata.get("namespace"), data.get("kind"), metadata.get("name")) if part)
    return Source(name, "".join(f"{line}\n" for line in block({**data, "metadata": metadata}, 0)))


def _metadata(data: dict[str, Any]) -> dict[str, Any]:
    metadata = data.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _controllers(data: dict[str, Any]) -> list[dict[str, Any]]:
    owners = _metadata(data).get("ownerReferences")
    return (
        [owner for owner in owners if isinstance(owner, dict) and owner.get("controller")] if isinstance(owners, list) else []
    )
