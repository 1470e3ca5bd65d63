"""The run of the rules over streams."""

from collections.abc import Iterator
from typing import NamedTuple

from sidecar_plugin.commands.check.pod import Cluster, DocumentSubject, PodSubject, Problem
from sidecar_plugin.commands.check.rule import Rule
from sidecar_plugin.commands.check.rules import DOCUMENT_RULES, POD_RULES, RULES, unreadable
from sidecar_plugin.errors import ManifestError, Place, SidecarPluginError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, WorkloadKinds
from sidecar_plugin.kubernetes.stream_objects import StreamObject
from sidecar_plugin.kubernetes.stream_rules import StreamRules
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

    def __init__(self, rules: list[Rule], cluster: Cluster, kinds: WorkloadKinds, objects: list[StreamObject]) -> None:
        """Take the objects of all streams that limit or scale pods."""
        self._cluster = cluster
        self._kinds = kinds
        known = {"version": cluster.version is not None, "platform": cluster.platform is not None}
        self._able = {rule.ID for rule in rules if all(known[need] for need in rule.NEEDS)}
        self._of_pods = [rule for rule in POD_RULES if rule.ID in self._able]
        self._of_documents = [rule for rule in DOCUMENT_RULES if rule.ID in self._able]
        self._stream_rules = StreamRules(objects)
        self.not_run = [rule for rule in rules if rule.ID not in self._able]
        """The rules that would have to guess: their cluster version or platform was not given."""
        self.pods = 0
        """How many pod templates were looked at."""

    def check(self, source: Source) -> list[Finding]:
        """Return the findings of a stream, by their places. Never raises: what cannot be read is a finding."""
        try:
            documents = split(source)
        except SidecarPluginError as error:
            return self.unreadable(error, Place(source.name, 1, 1))
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
            yield from self.unreadable(error, document.place(0))

    def _check_pod(self, pod: PodTemplate) -> Iterator[Finding]:
        self.pods += 1
        subject = PodSubject(pod)
        name = f"{pod.kind}/{pod.name}"
        for rule in self._of_pods:
            for problem in rule.check(subject, self._cluster):
                yield _finding(rule, pod.document, name, problem)
        for rule_name, problem in self._stream_rules.problems(subject.view) if subject.view else ():
            if rule_name in self._able:
                yield _finding(RULES[rule_name], pod.document, name, problem)

    def together(self) -> Iterator[Finding]:
        """Yield what the workloads of all streams break together."""
        for rule_name, one, problem in self._stream_rules.together():
            if rule_name in self._able:
                yield _finding(RULES[rule_name], one.document, f"{one.kind}/{one.name}", problem)

    def unreadable(self, error: SidecarPluginError, place: Place) -> list[Finding]:
        """Return the finding for what could not be read, if its rule is to run; `place` is where the document begins."""
        if unreadable.ID not in self._able:
            return []
        where = error.place or place
        return [Finding(unreadable.ID, unreadable.LEVEL, where, "", error.field, error.message, unreadable.REMEDY)]


def _finding(rule: Rule, document: Document, workload: str, problem: Problem) -> Finding:
    place = document.place(problem.node.start)
    return Finding(rule.ID, rule.LEVEL, place, workload, problem.field, problem.message, problem.remedy)
