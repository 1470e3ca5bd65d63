"""Settings of charts, each for its own workloads.

A SidecarInjection that a chart renders is for the workloads of that chart and of its subcharts, and for no other: not for the
chart above, not for its neighbours. Where several are for a workload, the one of the nearest chart has the last word, as
docs/charts.md tells. What was not rendered by a chart (--config, a file of the user's) is for every workload.
"""

from collections.abc import Callable
from typing import Any

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.injection.injector import Injected, Injector, injected, injected_alone
from sidecar_plugin.injection.manifests import BroughtManifests
from sidecar_plugin.injection.pod_injection import Around
from sidecar_plugin.injection.service_ports import ServicePorts
from sidecar_plugin.injection.stream import Stream, split_manifests
from sidecar_plugin.kubernetes.origin import chart_of, covers, template_of, values_path
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.yamledit.documents import Document

_NONE = Layer("the settings of other charts", {})
"""What is for a workload of which no chart's settings are: no agent, so that one that was injected before is taken out."""
MakeInjector = Callable[[list[Layer], BroughtManifests], Injector]


class ScopedInjector:
    """Injects into each document of a stream by the settings that are for the chart it comes from.

    Offers what an Injector offers. `make` returns the injector of some layers; one is made per set of them.
    """

    __slots__ = ("_charts", "_injectors", "_layers", "_make", "_manifests", "_results")

    is_idle = False

    def __init__(self, layers: list[Layer], make: MakeInjector, results: Results) -> None:
        """Take the layers, weakest first. Raise SettingsError for a set of them that does not fit together."""
        self._layers = sorted(layers, key=lambda layer: layer.chart.count("/charts/"))  # a stable sort: the nearest chart last
        self._make = make
        self._results = results
        self._manifests = BroughtManifests()
        self._injectors: dict[tuple[int, ...], Injector] = {}
        self._charts = sorted({layer.chart for layer in layers} - {""})
        for chart in self._charts:
            self._for_chart(chart)  # an error is reported even where no workload is

    def may_hold_workload(self, document: Document) -> bool:
        """Say whether a workload can be in the document, without parsing it."""
        return any(injector.may_hold_workload(document) for injector in self._injectors.values())

    def inject_documents(self, stream: Stream) -> list[str]:
        """See Injector. Raises SettingsError as well for a workload of which nothing tells the chart, where that decides."""
        return self._injected(self._documents(stream))

    def begin(self, stream: Stream, services: ServicePorts) -> Injected:
        """See Injector."""
        documents = self._documents(stream)
        pieces = injected(documents, self._inject_document, self._results, services)
        return Injected(documents, self._for_chart("").with_manifests(documents, pieces))

    def inject(self, stream: Stream) -> list[str]:
        """See Injector."""
        documents = self._documents(stream)
        return self._for_chart("").with_manifests(documents, self._injected(documents))

    def warn_of_unused(self) -> None:
        """See Injector."""
        for injector in self._injectors.values():
            injector.warn_of_unused()

    def take_manifests(self) -> list[dict[str, Any]]:
        """See Injector."""
        return self._manifests.take()

    def drop_manifests(self) -> None:
        """See Injector."""
        self._manifests.drop()

    def _documents(self, stream: Stream) -> list[Document]:
        documents, manifests = split_manifests(stream.documents)
        self._manifests.removed += manifests
        return documents

    def _injected(self, documents: list[Document]) -> list[str]:
        return injected_alone(documents, self._inject_document, self._results)

    def _inject_document(self, document: Document, around: Around) -> str:
        return self._for(document).inject_document(document, around)

    def _for(self, document: Document) -> Injector:
        chart = ""
        if self.may_hold_workload(document):
            chart = chart_of(template_of(document))
            if not chart and len(self._charts) == 1 and "/" not in self._charts[0]:
                chart = self._charts[0]  # one chart and no subchart's settings: they are for the whole stream
            injector = self._for_chart(chart)
            if not chart and injector.holds_workload(document):
                raise SettingsError(self._doubt(), document.place(0))
            return injector
        return self._for_chart(chart)

    def _for_chart(self, chart: str) -> Injector:
        key = tuple(
            index for index, layer in enumerate(self._layers) if not layer.chart or (chart and covers(layer.chart, chart))
        )
        if key not in self._injectors:
            layers = [self._layers[index] for index in key] or [_NONE]
            self._injectors[key] = self._make(layers, self._manifests)
        return self._injectors[key]

    def _doubt(self) -> str:
        paths = ", ".join(values_path(chart) for chart in self._charts)
        return (
            f"the stream holds settings of the charts {', '.join(self._charts)}, each for its own workloads, and nothing says "
            "which chart this workload comes from (kustomize drops Helm's `# Source:` comments). Set all but the "
            f"uppermost of these values to null: {paths}; then choose workloads by `targets`"
        )
