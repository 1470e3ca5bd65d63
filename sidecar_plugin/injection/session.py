"""The injector of one run: for one set of settings, or for those of each chart in the stream."""

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.injection.chart_scopes import ScopedInjector
from sidecar_plugin.injection.injector import Injector
from sidecar_plugin.injection.manifests import BroughtManifests
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.settings.options import Options, option_layers, settings_documents
from sidecar_plugin.settings.settings import merge_layers


def injector_for(options: Options, found: list[Layer], results: Results) -> "Injector | ScopedInjector":
    """Return the injector for the settings of the options and those `found` in the input, in the design's order."""
    documents = settings_documents(options, found)
    layers = option_layers(options, results)
    library = AgentFolders(options.templates)

    def make(chosen: list[Layer], manifests: BroughtManifests) -> Injector:
        return Injector(merge_layers([*chosen, *layers]), library, results, manifests)

    if any(layer.chart for layer in documents):
        from sidecar_plugin.injection.chart_scopes import ScopedInjector  # late: most streams hold no chart's settings

        return ScopedInjector(documents, make, results)
    return make(documents, BroughtManifests())
