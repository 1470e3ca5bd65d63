"""Kyverno as the engine: its MutatingPolicy and ValidatingPolicy, which take the expressions of Kubernetes' own policies.

Sources: https://kyverno.io/docs/policy-types/overview (which API since when),
https://kyverno.io/docs/policy-types/mutating-policy/ and https://kyverno.io/docs/policy-types/validating-policy/.

Kyverno has no bindings: the namespaces that a policy spares and its action stand in the policy. Where Kyverno does more than
Kubernetes it is turned off: the rules that it generates for the kinds that make pods, which cannot have a JSON Patch, and the
scans of what is there.
"""

from typing import TYPE_CHECKING

from sidecar_plugin.commands.export_policy.agents import PolicyError, policy_agents
from sidecar_plugin.commands.export_policy.engine import Asked, Data, Engine, Exported, parse_version
from sidecar_plugin.commands.export_policy.guard import guard_spec
from sidecar_plugin.commands.export_policy.policy import SPARED, document, namespaces, specs

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_GROUP = "policies.kyverno.io"
_VERSIONS = (((1, 17), "v1"), ((1, 16), "v1beta1"), ((1, 15), "v1alpha1"))
"""From which Kyverno on there is which version of the API with both kinds, the latest first."""
_SPARED = (*SPARED, "kyverno")
"""Kyverno's own namespace too: its pods must start when it does not run."""


class _Kyverno:
    summary = "MutatingPolicy of Kyverno 1.15 and later"
    own_options: tuple[str, ...] = ()

    def configure(self, parser: "ArgumentParser") -> None:
        """It has no options of its own."""

    def policies(self, asked: Asked, arguments: "Namespace") -> Exported:
        api, needs = _api(asked.version)
        added = policy_agents(asked.settings, asked.library, asked.results, asked.bare)
        mutating, refusing = specs(asked.settings, added, asked.opt_out)
        spec = {**_sparing(mutating), **_NO_OTHER_KINDS}
        return Exported(
            [document(api, "MutatingPolicy", asked.name, spec), _validating(api, asked.name, refusing, "Deny")], needs
        )

    def guard(self, asked: Asked, action: str) -> Exported:
        api, needs = _api(asked.version)
        spec = guard_spec(asked.settings, asked.library, asked.opt_out)
        return Exported([_validating(api, f"{asked.name}-guard", spec, action.capitalize())], needs)


ENGINE: Engine = _Kyverno()
_NO_OTHER_KINDS: Data = {"autogen": {"podControllers": {"controllers": []}}}


def _api(version: str) -> tuple[str, list[str]]:
    """Return the version of the API for a version of Kyverno, "" for the latest, and what to say of it."""
    wanted = parse_version(version, "Kyverno") if version else _VERSIONS[0][0]
    for since, name in _VERSIONS:
        if wanted >= since:
            later = " or later" if name == "v1" else ""
            return f"{_GROUP}/{name}", [f"The cluster needs: Kyverno {since[0]}.{since[1]}{later}"]
    first = ".".join(map(str, _VERSIONS[-1][0]))
    raise PolicyError(f"--engine-version {version}: this Kyverno has no MutatingPolicy; it is there from {first} on")


def _validating(api: str, name: str, spec: Data, action: str) -> Data:
    own = {"validationActions": [action], **_NO_OTHER_KINDS, "evaluation": {"background": {"enabled": False}}}
    return document(api, "ValidatingPolicy", name, {**_sparing(spec), **own})


def _sparing(spec: Data) -> Data:
    """Return the spec with the namespaces that it leaves out, which Kubernetes has in a binding."""
    return {**spec, "matchConstraints": {**spec["matchConstraints"], **namespaces(_SPARED)}}
