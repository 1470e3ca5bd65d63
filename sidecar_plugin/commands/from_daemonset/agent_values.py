"""The values of an agent folder: values.yaml with a comment per value, and values.schema.json."""

import re
from typing import Any, NamedTuple

from sidecar_plugin.commands.from_daemonset.daemonset import Data
from sidecar_plugin.commands.from_daemonset.plan import AgentPlan
from sidecar_plugin.yamledit.emitter import block

MAX_INLINE = 200_000  # bytes of configuration in annotations; Kubernetes takes 256 KiB for all annotations of a pod
_IMAGE = re.compile(r"(?P<repository>[^@]*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>[^@]+))?")


class _Value(NamedTuple):
    """One value: its name, the comment above it in values.yaml, its default, and its JSON Schema."""

    name: str
    comment: str
    default: Any
    schema: Data


def values_text(plan: AgentPlan) -> str:
    """Return the text of values.yaml."""
    texts = []
    for value in _values(plan):
        lines = block({value.name: value.default}, 0)
        texts.append("".join(f"{line}\n" for line in [f"# {value.comment}", *lines]))
    return "\n".join(texts)


def values_schema(plan: AgentPlan) -> Data:
    """Return the JSON Schema of the values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Values of the agent {plan.name}",
        "type": "object",
        "additionalProperties": False,
        "properties": {value.name: {"description": value.comment, **value.schema} for value in _values(plan)},
    }


def _image(image: str) -> dict[str, str]:
    found = _IMAGE.fullmatch(image)
    assert found is not None  # the pattern takes any text
    return {key: found[key] or "" for key in ("repository", "tag", "digest")}


def _values(plan: AgentPlan) -> list[_Value]:
    """Return the values of the agent in the order of values.yaml."""
    container = plan.daemon_set_container
    image = {**_image(container["image"]), "pullPolicy": container.get("imagePullPolicy") or "IfNotPresent"}
    text, strings = {"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}
    values = [
        _Value(
            "image",
            "The agent's image: repository, tag, digest (sha256:…; empty: the tag alone decides) and pullPolicy.",
            image,
            {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(image, text)},
        ),
        _Value("imagePullSecrets", "Secrets with registry credentials.", plan.image_pull_secrets, {"type": "array"}),
        _Value(
            "resources",
            "What the agent may use. On virtual nodes it is paid for in every pod.",
            container.get("resources") or {},
            {"type": "object"},
        ),
    ]
    if plan.container.get("args"):
        values.append(_Value("args", "The agent's arguments.", plan.container["args"], {"type": "array", "items": text}))
    values += [
        _Value("env", "Environment variables by name; null takes one out.", plan.env, strings),
        _Value(
            "extraEnv",
            "More variables, such as those with valueFrom, as a list.",
            [],
            {"type": "array", "items": {"type": "object"}},
        ),
        _Value("securityContext", "Without rights on the node.", plan.security_context, {"type": "object"}),
    ]
    if plan.shared:
        shared = {one.key: {"enabled": one.enabled, "mountPath": one.path} for one in plan.shared}
        one = {
            "type": "object",
            "additionalProperties": False,
            "required": ["enabled", "mountPath"],
            "properties": {"enabled": {"type": "boolean"}, "mountPath": {"type": "string", "pattern": "^/"}},
        }
        schema = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(shared, one)}
        values.append(
            _Value("shared", "Volumes shared with the application: the switch, and the mount path there.", shared, schema)
        )
    if plan.files:
        comment = (
            "How the configuration reaches the container: inline (annotations of the pod, mounted as files) or configMap "
            "(a ConfigMap beside the workload)."
        )
        size = sum(len(file.text.encode()) for file in plan.files)
        default = "inline" if size <= MAX_INLINE else "configMap"
        values.append(_Value("configuration", comment, default, {"enum": ["inline", "configMap"]}))
    return values
