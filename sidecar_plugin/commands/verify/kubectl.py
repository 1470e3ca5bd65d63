"""Asking a cluster by the user's own kubectl, with the user's context and rights."""

import json
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion, parse_cluster_version

_SECONDS = 60  # for one answer


class KubectlError(SidecarPluginError):
    """kubectl is not there, or did not succeed."""


class Kubectl(NamedTuple):
    """The program, the options that choose the cluster, and those that choose pods and Jobs in it."""

    program: str
    connection: tuple[str, ...]
    selection: tuple[str, ...]

    def pods_and_jobs(self) -> bytes:
        """Return what `kubectl get pods,jobs -o json` says. Raises KubectlError."""
        return self._run("get", "pods,jobs", *self.selection, "-o", "json")

    def version(self) -> ClusterVersion:
        """Return the API server's version. Raises KubectlError."""
        try:
            return parse_cluster_version(str(json.loads(self._run("version", "-o", "json"))["serverVersion"]["gitVersion"]))
        except (ValueError, LookupError, TypeError):
            raise KubectlError(f"`{self.program} version -o json` tells no serverVersion; give --cluster-version") from None

    def _run(self, *words: str) -> bytes:
        command: Sequence[str] = (self.program, *words, *self.connection)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except OSError as error:
            message = f"{self.program} cannot be run ({error.strerror}); name it with --kubectl, or hand over what it says: "
            raise KubectlError(f"{message}`kubectl get pods,jobs -o json | sidecar-plugin verify -`") from None
        except subprocess.TimeoutExpired:
            raise KubectlError(f"`{' '.join(command)}` has not answered in {_SECONDS} seconds") from None
        if done.returncode != 0:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise KubectlError(f"`{' '.join(command)}` ended with {done.returncode}: {said}")
        return done.stdout
