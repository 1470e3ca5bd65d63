"""The KRM function: a ResourceList on stdin, the same with agents on stdout.

Source: the KRM functions specification, https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md.
kustomize shows a function's stderr, kpt its `results` too: errors and warnings go to both. The list is edited as text like any
manifest: `results` are added to it, and on an error nothing else is.
"""

from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError, SettingsError, SidecarPluginError
from sidecar_plugin.frontends import krm_results
from sidecar_plugin.injection.session import injector_for
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.runtime.console import STDIN
from sidecar_plugin.runtime.report import Results, check_strict
from sidecar_plugin.settings.layers import Layer, document_layer
from sidecar_plugin.settings.options import Options, results_kept
from sidecar_plugin.yamledit.access import check_once, scalar_text
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.editor import Editor
from sidecar_plugin.yamledit.emitter import Emitter
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, follow, is_null, kind_of
from sidecar_plugin.yamledit.source import Source

RESOURCE_LIST = "ResourceList"
GROUP = "config.kubernetes.io"


class ResourceList(NamedTuple):
    """The input of a KRM function: its documents, and which of them with which root is the list."""

    source: Source
    documents: list[Document]
    document: Document
    root: Mapping


def resource_list(data: bytes) -> ResourceList | None:
    """Return the ResourceList that the input is, None for any other input. It is parsed here, once for all that follows.

    Raises ManifestError for a ResourceList beside other documents.
    """
    if RESOURCE_LIST.encode() not in data or GROUP.encode() not in data:
        return None
    try:
        source = Source.decode(STDIN, data)
        documents = split(source)
        roots = [(document, root) for document in documents if (root := document.parse_once().root) is not None]
    except SidecarPluginError:
        return None  # the post-renderer says what is wrong with it
    root = roots[0][1] if roots else None
    if not isinstance(root, Mapping) or scalar_text(root, "kind") != RESOURCE_LIST:
        return None
    if len(roots) > 1:
        raise ManifestError(f"a {RESOURCE_LIST} must be the only document of the input", roots[1][0].place(0))
    return ResourceList(source, documents, roots[0][0], root)


def transform(found: ResourceList, options: Options, results: Results) -> bytes:
    """Return the ResourceList with agents in its items and what is to be said in its results. Raises SidecarPluginError."""
    source, documents, document, root = found
    _check_items(document, root)
    with results_kept(options):
        stream = read_stream(source, documents)
        layers = [*_function_config(document, root), *stream.layers]
        injector = injector_for(options, layers, results)
        if injector.is_idle:
            message = "no settings, so nothing was injected; give a functionConfig of kind SidecarInjection"
            results.warn(message, document.place(0))
        text = "".join(injector.inject_documents(stream))
        injector.warn_of_unused()
    manifests = injector.take_manifests()
    check_strict(options.strict, results)
    return source.encode(_extended(source, text, manifests, krm_results.of_warnings(document, root, results)))


def failed(found: ResourceList, error: SidecarPluginError) -> bytes:
    """Return the ResourceList as it came, with the error in its results; nothing if it cannot be extended."""
    source, _, document, root = found
    try:
        return source.encode(_extended(source, source.text, [], [krm_results.of_error(document, root, error)]))
    except SidecarPluginError:
        return b""


def _check_items(document: Document, root: Mapping) -> None:
    check_once(document, root, "items", "")
    items = root.get("items")
    if items is not None and not isinstance(items, Sequence) and not is_null(items):
        raise ManifestError(f"must be a list, but is {kind_of(items)}", document.place(items.start), "items")


def _function_config(document: Document, root: Mapping) -> list[Layer]:
    check_once(document, root, "functionConfig", "")
    pair = root.pair("functionConfig")
    node = follow(pair[1]) if pair else None
    if pair is None or node is None or is_null(node):
        return []
    if not isinstance(node, Mapping):
        message = f"must be a SidecarInjection, but is {kind_of(node)}"
        raise SettingsError(message, document.place(node.start), "functionConfig")
    if scalar_text(node, "kind") != "SidecarInjection":
        message = f'must be of kind SidecarInjection, but is of "{scalar_text(node, "kind") or ""}"'
        raise SettingsError(message, document.place(node.first), "functionConfig")
    return [document_layer(document, node)]


def _extended(source: Source, text: str, manifests: list[Any], entries: list[Any]) -> str:
    """Return the list with manifests behind its items and entries behind its results."""
    for key, added in (("items", manifests), ("results", entries)):
        if not added:
            continue
        document, root = _list_in(Source(source.name, text))
        items = root.get("items")
        indent = max(0, items.column - root.column) if isinstance(items, Sequence) and not items.flow else 0
        editor = Editor(document.text, indent, Emitter())
        pair = root.pair(key)
        node = follow(pair[1]) if pair else None
        if isinstance(node, Sequence):
            editor.append(node, added)
        elif pair is None or node is None:
            editor.add(root, {key: added})
        elif is_null(node) and node is pair[1]:
            editor.fill(root, pair[0], pair[1], added)  # type: ignore[arg-type]  # null is a scalar
        else:
            raise ManifestError(f"must be a list, but is {kind_of(node)}", document.place(node.start), key)
        text = text[: document.start] + editor.result() + text[document.start + len(document.text) :]
    return text


def _list_in(source: Source) -> tuple[Document, Mapping]:
    """Return the list and its root in the text that a ResourceList has become."""
    for document in split(source):
        root = document.parse().root
        if isinstance(root, Mapping):
            return document, root
    raise ManifestError(f"the {RESOURCE_LIST} cannot be extended", None)
