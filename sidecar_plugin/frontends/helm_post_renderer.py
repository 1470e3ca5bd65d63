"""The Helm post-renderer: manifests on stdin, manifests with agents on stdout.

Helm 3 runs any command and shows its stderr only when it fails. Helm 4 runs plugins only and shows nothing of their stderr.
Two ways round that:
- An error is written as the whole output, one YAML string, with exit status 0: Helm stops at a document that is no mapping and
  quotes it (helm/v4 pkg/action, splitAndDeannotate: "wrong node kind: expected MappingNode but got ScalarNode"). This is done
  only when Helm 4 started us as its plugin (`--as-helm-plugin`, which plugin.yaml passes).
- Warnings and the report are written to Helm's own stderr, /proc/<parent>/fd/2, where the parent is a helm (Linux).
"""

import os

from sidecar_plugin.errors import SidecarPluginError, visible
from sidecar_plugin.injection.session import injector_for
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.runtime.console import STDIN
from sidecar_plugin.runtime.report import Results, check_strict
from sidecar_plugin.settings.options import Options, results_kept
from sidecar_plugin.yamledit.source import Source

NOTHING_LEFT = "# sidecar-plugin: the manifests held settings only\n"
"""Helm refuses a post-renderer's output that is empty; a comment is none."""


def render(data: bytes, options: Options, results: Results) -> list[bytes]:
    """Return the manifests with agents, in pieces. Raises SidecarPluginError."""
    source = Source.decode(STDIN, data)
    with results_kept(options):
        stream = read_stream(source)
        injector = injector_for(options, stream.layers, results)
        if injector.is_idle and any(map(injector.may_hold_workload, stream.documents)):
            message = "no settings, so nothing was injected; give a SidecarInjection document, --config, --values or --set"
            results.warn(message, None)
        pieces = injector.inject(stream)
        injector.warn_of_unused()
    check_strict(options.strict, results)
    if stream.layers and all(not piece or piece.isspace() for piece in pieces):
        pieces = [NOTHING_LEFT]
    pieces.reverse()
    encoded = [source.mark]
    while pieces:
        encoded.append(pieces.pop().encode())  # one at a time: text and bytes are not both held
    return encoded


def error_as_manifest(error: SidecarPluginError | str) -> bytes:
    """Return the message as a YAML string, which makes Helm 4 stop and quote it."""
    from sidecar_plugin.yamledit.emitter import quoted

    return f"{quoted(f'sidecar-plugin: error: {error}')}\n".encode()


def say_to_helm(text: str) -> bool:
    """Write to the stderr of the parent process, if that is a helm; say whether that was done."""
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as name:
            if not name.read().startswith("helm"):
                return False
        with open(f"/proc/{os.getppid()}/fd/2", "a", encoding="utf-8") as stderr:
            stderr.write(visible(text))
    except OSError:
        return False
    return True
