"""What a rule of `check` offers: a module whose docstring is its documentation."""

from collections.abc import Iterator
from typing import Protocol

from sidecar_plugin.commands.check.pod import Cluster, DocumentSubject, PodSubject, Problem


class Rule(Protocol):
    """A module of sidecar_plugin.commands.check.rules. `__doc__`: a title in its first line, then examples that are tests."""

    __doc__: str | None
    __name__: str

    @property
    def ID(self) -> str:  # noqa: N802  # constants of a module
        """The name by which it is selected and ignored."""

    @property
    def LEVEL(self) -> str:  # noqa: N802
        """error or warning."""

    @property
    def NEEDS(self) -> tuple[str, ...]:  # noqa: N802
        """What of the cluster it has to know: version, platform."""


class PodRule(Rule, Protocol):
    """A rule about one pod template."""

    def check(self, subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
        """Yield what is wrong with the pod."""


class DocumentRule(Rule, Protocol):
    """A rule about one document of a stream, whatever its kind."""

    def check(self, subject: DocumentSubject, cluster: Cluster) -> Iterator[Problem]:
        """Yield what is wrong with the document."""


def title(rule: Rule) -> str:
    """Return the first line of a rule's documentation."""
    return (rule.__doc__ or "").partition("\n")[0]


def documentation(rule: Rule) -> str:
    """Return a rule's documentation without its first line."""
    return (rule.__doc__ or "").partition("\n")[2].strip()
