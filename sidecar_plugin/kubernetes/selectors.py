"""Which workloads a setting is about: kinds, names, namespaces and Kubernetes' label selectors.

Source of the selector syntax: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
"""

import re
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_REQUIREMENT = (  # compiled when there is a selector to read
    rf"\s*(?:(?P<absent>!)\s*(?P<no_key>{_KEY})"
    rf"|(?P<key>{_KEY})\s*(?:(?P<operator>==|=|!=)\s*(?P<value>{_VALUE})"
    rf"|\s(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|\Z)"
)


class Requirement(NamedTuple):
    """One part of a label selector: `operator` is one of in, notin, exists, absent."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: dict[str, str]) -> bool:
        """Say whether the labels meet it; as in Kubernetes, `notin` and `!=` hold where the key is missing."""
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "absent":
            return self.key not in labels
        if self.operator == "in":
            return labels.get(self.key) in self.values
        return self.key not in labels or labels[self.key] not in self.values


class Selector(NamedTuple):
    """One item of `targets` or `exclude`; what is empty matches everything."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    labels: tuple[Requirement, ...]
    annotations: tuple[Requirement, ...]

    def matches(self, pod: PodTemplate | Skipped) -> bool:
        """Say whether all fields match the workload (labels and annotations: its own and its pod template's)."""
        return (
            _any(self.kinds, pod.kind)
            and _any(self.names, pod.name)
            and _any(self.namespaces, pod.namespace)
            and all(requirement.matches(pod.labels) for requirement in self.labels)
            and all(requirement.matches(pod.annotations) for requirement in self.annotations)
        )


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def parse_selector(data: dict[str, Any]) -> Selector:
    """Return the selector that the schema's `selectors` item describes. Raises SettingsError, with field, for bad syntax."""
    return Selector(
        tuple(data.get("kinds", ())),
        tuple(data.get("names", ())),
        tuple(data.get("namespaces", ())),
        parse_label_selector(data.get("labelSelector", ""), "labelSelector"),
        parse_label_selector(data.get("annotationSelector", ""), "annotationSelector"),
    )


def parse_label_selector(text: str, field: str) -> tuple[Requirement, ...]:
    """Return the requirements of a label selector. Raises SettingsError that quotes the part that cannot be read."""
    requirements = []
    position = 0
    while position < len(text):
        found = re.compile(_REQUIREMENT).match(text, position)
        if not found or found.end() == position:
            remedy = "write it like app=web,tier in (a, b),!legacy"
            raise SettingsError(f'"{text[position:]}" cannot be read as a selector; {remedy}', field=field)
        position = found.end()
        key = found["key"] or found["no_key"]
        if found["absent"]:
            requirements.append(Requirement(key, "absent", frozenset()))
        elif found["set"]:
            values = frozenset(value.strip() for value in found["values"].split(","))
            requirements.append(Requirement(key, found["set"], values))
        elif found["operator"]:
            operator = "notin" if found["operator"] == "!=" else "in"
            requirements.append(Requirement(key, operator, frozenset((found["value"],))))
        else:
            requirements.append(Requirement(key, "exists", frozenset()))
    return tuple(requirements)
