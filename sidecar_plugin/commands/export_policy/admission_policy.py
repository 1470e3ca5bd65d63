"""The API server itself as the engine: a MutatingAdmissionPolicy, and ValidatingAdmissionPolicies that refuse and guard.

Sources: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/ (alpha in 1.32, beta in 1.34) and
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ (stable since 1.30).
"""

from typing import TYPE_CHECKING

from sidecar_plugin.commands.export_policy.agents import PolicyError, policy_agents
from sidecar_plugin.commands.export_policy.engine import Asked, Data, Engine, Exported
from sidecar_plugin.commands.export_policy.guard import guard_spec
from sidecar_plugin.commands.export_policy.policy import document, namespaces, specs
from sidecar_plugin.errors import UsageError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_GROUP = "admissionregistration.k8s.io"
_MUTATING = ((ClusterVersion(1, 36), "v1"), (ClusterVersion(1, 34), "v1beta1"), (ClusterVersion(1, 32), "v1alpha1"))
"""From which Kubernetes on there is which version of MutatingAdmissionPolicy."""
_VALIDATING = ClusterVersion(1, 30)
"""From which Kubernetes on ValidatingAdmissionPolicy is stable."""


class _AdmissionPolicy:
    summary = "MutatingAdmissionPolicy of Kubernetes 1.32 and later, the default"
    own_options: tuple[str, ...] = ()

    def configure(self, parser: "ArgumentParser") -> None:
        """It has no options of its own."""

    def policies(self, asked: Asked, arguments: "Namespace") -> Exported:
        _check_version(asked.version)
        settings = asked.settings
        added = policy_agents(settings, asked.library, asked.results, asked.bare)
        assert settings.cluster_version is not None
        version = _mutating_version(settings.cluster_version)
        mutating, refusing = specs(settings, added, asked.opt_out)
        binding = {"policyName": asked.name, "matchResources": namespaces()}
        documents = [
            document(f"{_GROUP}/{version}", "MutatingAdmissionPolicy", asked.name, mutating),
            document(f"{_GROUP}/{version}", "MutatingAdmissionPolicyBinding", asked.name, binding),
            *_validating(asked.name, refusing, "Deny"),
        ]
        flags = f"--feature-gates=MutatingAdmissionPolicy=true --runtime-config={_GROUP}/{version}=true"
        return Exported(documents, [f"The API server needs: {flags}"] if version != "v1" else [])

    def guard(self, asked: Asked, action: str) -> Exported:
        _check_version(asked.version)
        spec = guard_spec(asked.settings, asked.library, asked.opt_out)
        version = asked.settings.cluster_version
        assert version is not None
        if version < _VALIDATING:
            raise _too_old(version, "ValidatingAdmissionPolicy that is stable", _VALIDATING)
        return Exported(_validating(f"{asked.name}-guard", spec, action.capitalize()), [])


ENGINE: Engine = _AdmissionPolicy()


def _check_version(version: str) -> None:
    if version:
        raise UsageError("--engine-version is of no use with --engine admission-policy, whose version is --cluster-version's")


def _mutating_version(version: ClusterVersion) -> str:
    """Return the version of the API that a cluster has. Raises PolicyError for one that has none."""
    for since, name in _MUTATING:
        if version >= since:
            return name
    raise _too_old(version, "MutatingAdmissionPolicy", _MUTATING[-1][0], ", or OpenKruise: --engine sidecarset")


def _too_old(version: ClusterVersion, what: str, since: ClusterVersion, other: str = "") -> PolicyError:
    kyverno = f"A Kyverno that supports {version} can do the same: --engine kyverno --engine-version VERSION"
    return PolicyError(f"Kubernetes {version} has no {what}; it is there from {since} on. {kyverno}{other}")


def _validating(name: str, spec: Data, action: str) -> list[Data]:
    binding = {"policyName": name, "validationActions": [action], "matchResources": namespaces()}
    return [
        document(f"{_GROUP}/v1", "ValidatingAdmissionPolicy", name, spec),
        document(f"{_GROUP}/v1", "ValidatingAdmissionPolicyBinding", name, binding),
    ]
