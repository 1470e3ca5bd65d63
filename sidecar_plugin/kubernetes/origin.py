"""Which chart a document comes from, as Helm tells it, and which charts a chart's settings are for.

A chart is named by its path in the release's chart, as Helm writes it: `shop`, or `shop/charts/api` for its subchart api.
Helm 3 puts `# Source: shop/charts/api/templates/web.yaml` in front of a document (pkg/action, renderResources), as
`helm template` of both Helms does; Helm 4 hands a post-renderer the annotation POSTRENDER_FILENAME instead (pkg/action,
annotateAndMerge).
"""

import re

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar

POSTRENDER_FILENAME = "postrenderer.helm.sh/postrender-filename"
CHART = "sidecar-plugin.dev/chart"
KUBE_VERSION = "sidecar-plugin.dev/kube-version"
"""The annotations that the library chart gives a SidecarInjection: the chart it is rendered in, and the version Helm knows."""

_SOURCE = re.compile(r"(?:---[ \t]*\r?\n)?# Source: ([^\r\n]+?)[ \t]*\r?$", re.MULTILINE)
_CHART = re.compile(r"([^/]+(?:/charts/[^/]+)*)/")


def template_of(document: Document) -> str:
    """Return the path of the template that Helm rendered the document from, "" if nothing says it.

    Only what Helm itself writes counts: the annotation that Helm 4 sets on every document, or the comment that Helm 3 writes as
    its first line. A chart's author can write a comment or an annotation of the same form, but not keep Helm from writing its
    own: a document with both must say the same twice. Raises ManifestError if it does not.
    """
    found = _SOURCE.match(document.text) if document.begins_line else None
    comment = found[1] if found and "://" not in found[1] and chart_of(found[1]) else ""
    annotated = annotation(document.parse().root, POSTRENDER_FILENAME) if POSTRENDER_FILENAME in document.text else ""
    if comment and annotated and comment != annotated:
        message = f"the document says twice which template it comes from, and not the same: {comment} and {annotated}"
        raise ManifestError(f"{message}; remove what the chart's author wrote", document.place(0))
    return annotated or comment


def comes_from_helm(document: Document) -> bool:
    """Say whether the document is in a stream that Helm rendered."""
    return any(word in document.stream_text for word in ("# Source: ", POSTRENDER_FILENAME))


def chart_of(template: str) -> str:
    """Return the chart that a template's path is in, "" for one that is no such path."""
    found = _CHART.match(template)
    return found[1] if found else ""


def covers(scope: str, chart: str) -> bool:
    """Say whether the settings of the chart `scope` are for the workloads of `chart`: for its own, and its subcharts'."""
    return chart == scope or chart.startswith(f"{scope}/charts/")


def values_path(chart: str) -> str:
    """Return where the chart's settings stand in the values of the release: `sidecars`, or `api.sidecars` for a subchart."""
    return ".".join([*chart.split("/charts/")[1:], "sidecars"])


def annotation(root: Node | None, name: str) -> str:
    """Return an annotation of a document, "" if it has none or none that is text."""
    node = root
    for key in ("metadata", "annotations", name):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node.value if isinstance(node, Scalar) else ""


PACKAGE_PATHS = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
"""The annotations by which kpt notes an item's file in its package; the second is the older name."""


def package_path(item: Mapping) -> str:
    """Return the path, in its package, of the file that a list's item was read from, "" if nothing notes it."""
    return next((path for path in (annotation(item, name) for name in PACKAGE_PATHS) if path), "")
