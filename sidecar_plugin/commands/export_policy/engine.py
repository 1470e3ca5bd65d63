"""What an engine offers: the program of a cluster that injects the agents there, and how the settings are written for it."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import Settings

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

Data = dict[str, Any]
ACTIONS = ("warn", "deny")
"""What a guard can do."""


class Asked(NamedTuple):
    """What every engine is asked for.

    `name` is that of the objects. `bare` renders agents for a pod without labels, annotations and ports. Without `opt_out` no
    pod can leave itself out. `version` is the engine's own, "" if none was given. Warnings go to `results`.
    """

    settings: Settings
    library: AgentLibrary
    name: str
    bare: bool
    opt_out: bool
    version: str
    results: Results


class Exported(NamedTuple):
    """The objects for the cluster, and what the cluster needs for them: lines that are printed as comments in front."""

    documents: list[Data]
    needs: list[str]


class Engine(Protocol):
    """One engine."""

    @property
    def summary(self) -> str:
        """A few words for `--help`."""

    @property
    def own_options(self) -> tuple[str, ...]:
        """The options that only this engine takes, as they are typed; with another engine they are an error."""

    def configure(self, parser: "ArgumentParser") -> None:
        """Add its own options, each with a default that is false."""

    def policies(self, asked: Asked, arguments: "Namespace") -> Exported:
        """Return the objects that inject the agents.

        Raises PolicyError for what the engine cannot do, SettingsError at the place of a setting that means nothing there.
        """

    def guard(self, asked: Asked, action: str) -> Exported:
        """Return the objects that find workloads without the agents; `action` is one of ACTIONS.

        Raises UsageError if the engine has none, else as `policies`.
        """


def parse_version(version: str, program: str) -> tuple[int, int]:
    """Return major and minor of an engine's version. Raises UsageError for what is none."""
    found = re.fullmatch(r"v?(\d{1,3})\.(\d{1,3})(?:\.\d+)?(?:[-+].*)?", version)
    if not found:
        raise UsageError(f"--engine-version {version}: no version of {program}; write it like 1.9 or v1.9.0")
    return int(found[1]), int(found[2])
