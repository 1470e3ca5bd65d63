"""The run of the rules over streams."""

from collections.abc import Iterator
from typing import NamedTuple

from sidecar_plugin.commands.check.pod import Cluster, DocumentSubject, PodSubject, Problem
from sidecar_plugin.commands.check.rule import Rule
from sidecar_plugin.errors import ManifestError, Place, SidecarPluginError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, WorkloadKinds
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.source import Source

LEVELS = ("error", "warning")


class Finding(NamedTuple):
    """One problem at its place; `workload` is the workload's kind and name, "" outside of one."""

    rule: str
    level: str
    place: Place
    workload: str
    field: str
    message: str
    remedy: str


class Linter:
    """Runs rules for one cluster."""

    def __init__(self, rules: list[Rule], cluster: Cluster, kinds: WorkloadKinds) -> None:
        self._cluster = cluster
        self._kinds = kinds
        known = {"version": cluster.version is not None, "platform": cluster.platform is not None}
        able = [rule for rule in rules if all(known[need] for need in rule.NEEDS)]
        self._of_pods = [rule for rule in able if rule.ABOUT == "pod"]
        self._of_documents = [rule for rule in able if rule.ABOUT == "document"]
        self._rules = rules
        self.not_run = [rule for rule in rules if rule not in able]
        """The rules that would have to guess: their cluster version or platform was not given."""
        self.pods = 0
        """How many pod templates were looked at."""

    def check(self, source: Source) -> list[Finding]:
        """Return the findings of a stream, by their places. Never raises: what cannot be read is a finding."""
        try:
            documents = split(source)
        except SidecarPluginError as error:
            return unreadable(self._rules, error, Place(source.name, 1, 1))
        found = [finding for document in documents for finding in self._check_document(document)]
        return sorted(found, key=lambda finding: (finding.place[1:], finding.rule, finding.field))

    def _check_document(self, document: Document) -> Iterator[Finding]:
        try:
            root = document.parse().root
            if root is None:
                return
            for rule in self._of_documents:
                for problem in rule.check(DocumentSubject(document, root), self._cluster):
                    yield _finding(rule, document, "", problem)
            for pod in self._kinds.find(document, root):
                if isinstance(pod, PodTemplate):
                    yield from self._check_pod(pod)
        except ManifestError as error:
            yield from unreadable(self._rules, error, document.place(0))

    def _check_pod(self, pod: PodTemplate) -> Iterator[Finding]:
        self.pods += 1
        subject = PodSubject(pod)
        name = f"{pod.kind}/{pod.name}"
        for rule in self._of_pods:
            for problem in rule.check(subject, self._cluster):
                yield _finding(rule, pod.document, name, problem)


def unreadable(rules: list[Rule], error: SidecarPluginError, place: Place) -> list[Finding]:
    """Return the finding for what could not be read, if its rule is among the rules; `place` is where the document begins."""
    return [
        Finding(rule.ID, rule.LEVEL, error.place or place, "", error.field, error.message, rule.REMEDY)
        for rule in rules
        if rule.ABOUT == "error"
    ]


def _finding(rule: Rule, document: Document, workload: str, problem: Problem) -> Finding:
    place = document.place(problem.node.start)
    return Finding(rule.ID, rule.LEVEL, place, workload, problem.field, problem.message, problem.remedy)
