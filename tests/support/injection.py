"""Injection of text in this process, with agents of the tests' own: for property tests, fuzzers and the YAML test suite."""

from typing import Any

from sidecar_plugin.agents.agent import AgentFolder
from sidecar_plugin.injection.injector import Injector
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.injection.uninject import uninject
from sidecar_plugin.runtime.cache import Memo, keeping
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.settings.settings import merge_layers
from sidecar_plugin.yamledit.source import Source

TEMPLATES = {
    "agent": """
container: {name: agent, image: example.com/agent:1, args: ["on", "a\\nb\\n"], volumeMounts: [{name: shared, mountPath: /a}]}
volumes: [{name: shared, emptyDir: {}}]
applicationContainers:
  volumeMounts: [{name: shared, mountPath: /shared}]
  env: [{name: AGENT, value: "true"}]
podAnnotations: {agent: "yes"}
podLabels: {agent-label: x}
initContainers: [{name: agent-init, image: example.com/init:1}]
imagePullSecrets: [{name: pull}]
""",
    "other": 'container: {name: other, image: "example.com/other:1", env: [{name: "1", value: "0777"}]}\n',
    "m": (
        "container: {name: m, image: x}\n"
        'manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: "b\\n"}}]\n'
    ),
}
MARKER = "sidecar-plugin.dev/injected"
_MEMO = Memo()


class _NoLibrary:
    """There are only the agents that the settings bring."""

    def names(self) -> list[str]:
        return []

    def folder(self, name: str) -> AgentFolder | None:
        return None


def agents(*names: str, **settings: Any) -> dict[str, Any]:
    """Return a spec that switches these agents of TEMPLATES on."""
    return {"agents": {name: {"enabled": True, "template": TEMPLATES[name], **settings} for name in names}}


def inject(text: str, **spec: Any) -> str:
    """Return the text with the spec's agents in it; the cluster is of 1.30 unless the spec says another."""
    with keeping(_MEMO):
        return inject_and_report(text, spec)[0]


def inject_and_report(text: str, spec: dict[str, Any]) -> tuple[str, Results]:
    """Return what `inject` does, and what the run reports."""
    results = Results()
    injector = Injector(merge_layers([Layer("test", {"clusterVersion": "1.30", **spec})]), _NoLibrary(), results)
    after = "".join(injector.inject(read_stream(Source("in.yaml", text))))
    injector.warn_of_unused()
    return after, results


def take_out(text: str) -> str:
    """Return the text without what was injected into it."""
    return uninject(Source("in.yaml", text), Results())
