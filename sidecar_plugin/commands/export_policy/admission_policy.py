"""The API server itself as the engine: a MutatingAdmissionPolicy, and a ValidatingAdmissionPolicy as its guard."""

from typing import TYPE_CHECKING

from sidecar_plugin.commands.export_policy.agents import policy_agents
from sidecar_plugin.commands.export_policy.engine import Asked, Engine, Exported
from sidecar_plugin.commands.export_policy.guard import guard
from sidecar_plugin.commands.export_policy.policy import needs, policy
from sidecar_plugin.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _AdmissionPolicy:
    summary = "MutatingAdmissionPolicy of Kubernetes 1.32 and later, the default"
    own_options: tuple[str, ...] = ()

    def configure(self, parser: "ArgumentParser") -> None:
        """It has no options of its own."""

    def policies(self, asked: Asked, arguments: "Namespace") -> Exported:
        _check_version(asked.version)
        added = policy_agents(asked.settings, asked.library, asked.results, asked.bare)
        assert asked.settings.cluster_version is not None
        flags = needs(asked.settings.cluster_version)
        documents = policy(asked.settings, added, asked.name, asked.opt_out)
        return Exported(documents, [f"The API server needs: {flags}"] if flags else [])

    def guard(self, asked: Asked, action: str) -> Exported:
        _check_version(asked.version)
        return Exported(guard(asked.settings, asked.library, asked.name, action, asked.opt_out), [])


def _check_version(version: str) -> None:
    if version:
        raise UsageError("--engine-version is of no use with --engine admission-policy, whose version is --cluster-version's")


ENGINE: Engine = _AdmissionPolicy()
