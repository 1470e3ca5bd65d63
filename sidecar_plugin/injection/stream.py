"""A stream of manifests as the commands see it: settings taken out, documents put behind, injections removed."""

from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError, Place
from sidecar_plugin.injection.marker import has_marker, manifest_agent
from sidecar_plugin.kubernetes.origin import package_path
from sidecar_plugin.kubernetes.text_search import has_escaped_letters
from sidecar_plugin.settings.layers import KIND, Layer, document_layer, is_injection
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.editor import OPEN_SCALAR
from sidecar_plugin.yamledit.emitter import block
from sidecar_plugin.yamledit.extent import has_clip_at_end
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, Target, follow
from sidecar_plugin.yamledit.parser import may_hold_complex_key
from sidecar_plugin.yamledit.removal import join_spans, span_of_items
from sidecar_plugin.yamledit.source import Source


class Stream(NamedTuple):
    """A stream of manifests without the settings that were found in it, and these settings."""

    source: Source
    documents: list[Document]
    layers: list[Layer]

    def with_settings(self) -> "Stream":
        """Return the same stream with the settings' documents left in."""
        return Stream(self.source, split(self.source), [])


def read_stream(source: Source, cut: list[Document] | None = None) -> Stream:
    """Cut a stream into documents and take the SidecarInjection documents out, those among a list's items included.

    An item that is a file of a kpt package stays and sets nothing: without it kpt would delete the file, and which functions it
    configures the Kptfile says.

    `cut` are the documents of the source where it is cut already. Raises ManifestError and SettingsError, with the place.
    """
    documents, layers = [], []
    for document in split(source) if cut is None else cut:
        text = document.text
        if KIND not in text and not has_escaped_letters(text):
            documents.append(document)
            continue
        root = document.parse().root
        if isinstance(root, Mapping) and is_injection(root):
            layers.append(document_layer(document, root))
            continue
        items = root.get("items") if isinstance(root, Mapping) else None
        ours = set()
        for index, item in enumerate(items.items if isinstance(items, Sequence) else ()):
            target = follow(item)
            if isinstance(target, Mapping) and is_injection(target) and not package_path(target):
                layers.append(document_layer(document, target))
                ours.add(index)
        if ours and isinstance(items, Sequence):
            document = document.without(join_spans(document.text, span_of_items(document.text, items, ours)))
        documents.append(document)
    return Stream(source, documents, layers)


def documents_behind(text: str, last: Document, manifests: list[dict[str, Any]]) -> str:
    """Return what to write behind a stream to add manifests; one that ends without a line break still does.

    `last` is its last document as it came. Raises ManifestError for JSON text, which cannot hold a second document, and for a
    text that a line break at its end would change.
    """
    if text.lstrip().startswith("{") and _is_json(text):
        message = "an agent brings a manifest along, and JSON text cannot hold a second document; write it as YAML"
        raise ManifestError(f"{message}, or set the agent's configuration to inline", last.place(0))
    newline = "\r\n" if "\r\n" in text else "\n"
    is_open = bool(text) and text[-1] not in "\r\n"  # a literal block at the end would lose its last line break
    if is_open:
        root = last.parse().root
        if root is not None and has_clip_at_end(last.text, root):
            raise ManifestError(OPEN_SCALAR, last.place(len(last.text)))
    lines = [line for manifest in manifests for line in ("---", *block(manifest, 0, literal=not is_open))]
    added = newline.join(lines)
    return f"{newline}{added}" if is_open else f"{added}{newline}"


def _is_json(text: str) -> bool:
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def check_foreign(document: Document) -> None:
    """Raise ManifestError if a document that holds no workload is not YAML."""
    text = document.text
    if "*" in text or may_hold_complex_key(text):
        document.parse()  # an alias or a key that is no string, which `validate` does not see
    else:
        document.validate()


class AgentManifest(NamedTuple):
    """A document of the stream, or an item of a list in it, that an earlier run added for an agent."""

    document: Document
    offset: int
    identity: tuple[str, str, str]
    """Kind, namespace and name."""
    agent: str

    def place(self) -> Place:
        """Return where it stood."""
        return self.document.place(self.offset)


def split_manifests(documents: list[Document]) -> tuple[list[Document], list[AgentManifest]]:
    """Return the documents of a stream without the manifests that agents added before, and these."""
    kept, manifests = [], []
    for document in documents:
        agent = manifest_agent(document) if has_marker(document) else None
        if agent is None:
            kept.append(document)
        else:
            manifests.append(AgentManifest(document, 0, identity(document), agent))
    if kept and kept[-1] is not documents[-1] and documents[-1].text[-1:] not in ("\n", "\r"):
        last = kept[-1]  # the stream ended without a line break; the one before our manifest came with it
        length = len(last.text)
        without = last.without([(length - (2 if last.text.endswith("\r\n") else 1), length)])
        root = without.parse().root
        if root is None or not has_clip_at_end(without.text, root):  # else another tool removed the break at the end
            kept[-1] = without
    return kept, manifests


def identity(document: Document) -> tuple[str, str, str]:
    """Return kind, namespace and name of the resource that a document is, "?" and "" for what it does not say."""
    return identity_of(document.parse().root)


def identity_of(root: Target | None) -> tuple[str, str, str]:
    """Return what `identity` does for the node of a resource."""
    metadata = root.get("metadata") if isinstance(root, Mapping) else None
    kind = (scalar_text(root, "kind") if root else None) or "?"
    return (
        kind,
        scalar_text(metadata, "namespace") or "" if metadata else "",
        scalar_text(metadata, "name") or "" if metadata else "",
    )
