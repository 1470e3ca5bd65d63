"""The settings as expressions about a pod, which the policies of Kubernetes and of Kyverno take alike.

Sources: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/ and
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/. Two policies are made. One mutates; the
other refuses, with a message, pods that ask by an annotation for something that the first cannot do, or that the first would
have to overwrite.
"""

from typing import NamedTuple

from sidecar_plugin.commands.export_policy import cel
from sidecar_plugin.commands.export_policy.agents import PolicyAgents
from sidecar_plugin.commands.export_policy.engine import Data
from sidecar_plugin.commands.export_policy.json_patch import ANNOTATIONS, annotation, names_listed, operations, variables
from sidecar_plugin.errors import SettingsError
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.injection.selection import ANNOTATION_AGENTS, ANNOTATION_INJECT, ANNOTATION_VALUES
from sidecar_plugin.kubernetes.image_names import repository
from sidecar_plugin.kubernetes.selectors import parse_selector
from sidecar_plugin.settings.settings import Settings

SPARED = ("kube-system", "kube-public", "kube-node-lease")
"""Namespaces that every policy leaves out: a policy that fails there can stop the cluster."""
_MIRROR = "kubernetes.io/config.mirror"
_MARKED = f"{cel.text(INJECTED)} in {ANNOTATIONS}"
_PODS = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}


class Specs(NamedTuple):
    """The `spec` of the policy that mutates pods, and of the one that refuses them; without the namespaces that they spare."""

    mutating: Data
    refusing: Data


def specs(settings: Settings, added: PolicyAgents, opt_out: bool) -> Specs:
    """Return what the two policies say.

    Without `opt_out` a pod cannot be left out by what it says of itself: its annotations and a marker that others forged.
    Raises SettingsError for a selector that means nothing for a pod.
    """
    matching, chosen = _matching(settings, opt_out), _chosen(settings, added)
    clashes = [
        (f"{path.removeprefix('metadata.')[:-1]} {key}", f"{cel.text(key)} in object.{path.replace('.', '.?')}.orValue({{}})")
        for path, _, key, _, _ in added.additions
        if path.startswith("metadata.")
    ]
    checks = [*_checks(added), *((f"the {what} is the agents' own; leave it out", f"!({there})") for what, there in clashes)]
    if not opt_out:
        checks += _opting_out(added)
    unmarked = [("not injected before", f"!({_MARKED})"), *matching]
    conditions = [
        *unmarked,
        ("it can be done by this policy", "\n&& ".join(f"({check})" for _, check in checks)),
    ]
    if added.declaration.name == "regular":
        conditions.append(("it does not run to completion", 'object.spec.?restartPolicy.orValue("Always") == "Always"'))
    mutating = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": _PODS,
        "matchConditions": _named(conditions),
        "variables": [{"name": key, "expression": expression} for key, expression in variables(chosen, added).items()],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": operations(added)}}],
    }
    if opt_out:
        refused, validations = unmarked, checks
    else:
        refused, validations = matching, [(message, f"({_MARKED}) || ({check})") for message, check in checks]
        validations += _carried(chosen, added)
    refusing = {
        "failurePolicy": "Fail",
        "matchConstraints": _PODS,
        "matchConditions": _named(refused),
        "validations": [{"expression": check, "message": f"sidecar-plugin: {message}"} for message, check in validations],
    }
    return Specs(mutating, refusing)


def document(api_version: str, kind: str, name: str, spec: Data) -> Data:
    """Return a policy or a binding."""
    labels = {"app.kubernetes.io/managed-by": "sidecar-plugin"}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def namespaces(spared: tuple[str, ...] = SPARED) -> Data:
    """Return the part of a policy or binding that leaves namespaces out."""
    expression = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(spared)}
    return {"namespaceSelector": {"matchExpressions": [expression]}}


def _named(conditions: list[tuple[str, str]]) -> list[Data]:
    return [{"name": name.replace(" ", "-"), "expression": expression} for name, expression in conditions]


def _matching(settings: Settings, opt_out: bool) -> list[tuple[str, str]]:
    chosen = [
        f"!({cel.any_of(selectors(settings, settings.exclude, ['exclude']), 'false')})",
        f"({cel.any_of(selectors(settings, settings.targets, ['targets']), 'true')})",
    ]
    left_out = [("not left out by annotation", f'{annotation(ANNOTATION_INJECT)} != "false"')]
    return [
        ("no mirror of a static pod", f"!({cel.text(_MIRROR)} in {ANNOTATIONS})"),
        *(left_out if opt_out else []),
        ("chosen by the settings", f'{annotation(ANNOTATION_INJECT)} == "true" || ({" && ".join(chosen)})'),
    ]


def selectors(settings: Settings, raw: list[Data], path: list[str | int], subject: cel.Subject = cel.POD) -> list[str]:
    """Return an expression for each selector of the settings. Raises SettingsError, at its place, for one that cannot be."""
    expressions = []
    for index, data in enumerate(raw):
        try:
            expressions.append(cel.selector(parse_selector(data), subject))
        except SettingsError as error:
            raise settings.error(error.message, [*path, index, error.field]) from None
    return expressions


def _chosen(settings: Settings, added: PolicyAgents) -> dict[str, str]:
    """Return for each agent what is true of the pods that its own targets mean."""
    return {
        name: cel.any_of(selectors(settings, agent.targets, ["agents", name, "targets"]), "true")
        for name, agent in added.agents.items()
    }


def _checks(added: PolicyAgents) -> list[tuple[str, str]]:
    """Return what a pod must be like, each with the message if it is not."""
    names = list(added.agents)
    known = f"{names_listed()}.all(n, n in {cel.literal(['', *names])})"
    return [
        (f'{ANNOTATION_INJECT} must be "true" or "false"', f'{annotation(ANNOTATION_INJECT)} in ["", "true", "false"]'),
        (f"{ANNOTATION_AGENTS} may name {', '.join(names)} here", known),
        (
            f"{ANNOTATION_VALUES}<agent> needs rendering, which a policy cannot do; render the pod with sidecar-plugin",
            f"!{ANNOTATIONS}.exists(key, key.startsWith({cel.text(ANNOTATION_VALUES)}))",
        ),
    ]


def _opting_out(added: PolicyAgents) -> list[tuple[str, str]]:
    """Return what a pod must not ask for where no pod may leave an agent out."""
    names = list(added.agents)
    all_named = f"{cel.literal(names)}.all(n, n in {names_listed()})"
    return [
        (f'{ANNOTATION_INJECT}: "false" is not allowed here; take it out', f'{annotation(ANNOTATION_INJECT)} != "false"'),
        (
            f"{ANNOTATION_AGENTS} must name all of {', '.join(names)} here, or be taken out",
            f"!({cel.text(ANNOTATION_AGENTS)} in {ANNOTATIONS}) || {all_named}",
        ),
    ]


def _carried(chosen: dict[str, str], added: PolicyAgents) -> list[tuple[str, str]]:
    """Return what a pod with the marker must have: of each agent that is for it a container of its name and image repository.

    Tags are not compared: a pod that was rendered with another version of the agent must still be able to start.
    """
    checks = []
    for name, container in added.containers.items():
        images = [
            addition.value["image"] for addition in added.additions if _is_container(addition.path, addition.key, container)
        ]
        image_repository = repository(images[0])
        there = cel.has_container("object.spec", container, image_repository)
        checks.append(
            (
                f"{INJECTED} is there without the container {container} of {image_repository}; take the annotation out",
                f"!({_MARKED}) || !({chosen[name]}) || {there}",
            )
        )
    return checks


def _is_container(path: str, key: str, container: str) -> bool:
    return path in ("spec.containers", "spec.initContainers") and key == container
