"""What the front ends share: the options of a run, the settings they make, and how a run ends."""

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from sidecar_plugin.agent_folders import AgentFolders
from sidecar_plugin.brought import BroughtManifests
from sidecar_plugin.config import (
    VALUES_KEY,
    Layer,
    Settings,
    config_layers,
    merge_layers,
    option_layer,
    set_layer,
    values_layer,
)
from sidecar_plugin.errors import SidecarPluginError, UsageError
from sidecar_plugin.injector import Injector
from sidecar_plugin.memo import Memo
from sidecar_plugin.memo_file import MemoFile
from sidecar_plugin.results import Results
from sidecar_plugin.source import Source

if TYPE_CHECKING:
    from sidecar_plugin.scopes import ScopedInjector

STDIN = "<stdin>"


class Options(NamedTuple):
    """The options that every way of injecting takes."""

    config: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    cluster_version: str | None = None
    platform: str | None = None
    declaration: str | None = None
    templates: tuple[str, ...] = ()
    report: str = "text"
    strict: bool = False


class StrictError(SidecarPluginError):
    """Warnings under --strict."""


def read_file(name: str, option: str) -> Source:
    """Return the text of a settings file. Raises UsageError if it cannot be read."""
    try:
        with open(name, "rb") as file:
            return Source.decode(name, file.read())
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror or error}") from None


def check_given(what: str, path: str) -> None:
    """Raise UsageError for an empty path: mostly a variable of the shell was not set."""
    if not path:
        raise UsageError(f"{what} is empty; is a variable not set? The folder that you are in is .")


def read_stdin() -> bytes:
    """Return what stands on standard input. Raises UsageError if it cannot be read."""
    if sys.stdin is None:
        raise UsageError("there is no stdin to read (it is closed)")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"{STDIN}: {error.strerror or error}") from None


def injector_for(options: Options, found: list[Layer], results: Results, memo: Memo) -> "Injector | ScopedInjector":
    """Return the injector for the settings of the options and those `found` in the input, in the design's order."""
    documents = _documents(options, found, memo)
    layers = _option_layers(options, results, memo)
    library = AgentFolders(options.templates)

    def make(chosen: list[Layer], manifests: BroughtManifests) -> Injector:
        return Injector(merge_layers([*chosen, *layers]), library, results, memo, manifests)

    if any(layer.chart for layer in documents):
        from sidecar_plugin.scopes import ScopedInjector  # late: most streams hold no chart's settings

        return ScopedInjector(documents, make)
    return make(documents, BroughtManifests())


def settings_for(options: Options, found: list[Layer], results: Results, memo: Memo) -> Settings:
    """Return the settings of the options and those `found` in the input, in the design's order."""
    return merge_layers([*_documents(options, found, memo), *_option_layers(options, results, memo)])


def _documents(options: Options, found: list[Layer], memo: Memo) -> list[Layer]:
    return [*(layer for name in options.config for layer in config_layers(read_file(name, "--config"), memo)), *found]


def _option_layers(options: Options, results: Results, memo: Memo) -> list[Layer]:
    """Return the settings that the options give, which come behind all documents."""
    layers: list[Layer] = []
    for name in options.values:
        layer = values_layer(read_file(name, "--values"), memo)
        if layer is None:
            results.warn(f"--values {name}: it has no key `{VALUES_KEY}`, so it sets nothing", None)
        else:
            layers.append(layer)
    layers += [set_layer(text, memo) for text in options.set]
    for option, key, value in (
        ("--cluster-version", "clusterVersion", options.cluster_version),
        ("--platform", "platform", options.platform),
        ("--declaration", "declaration", options.declaration),
    ):
        if value is not None:
            layers.append(option_layer(option, key, value, memo))
    return layers


def memo_for(options: Options) -> MemoFile:
    """Return the results of earlier runs with the same options; of a settings file its name suffices (`helm sidecar` writes one
    in a folder of each run), as a result depends on nothing that its key in the memo does not hold."""
    return MemoFile(map(repr, options._replace(config=tuple(map(os.path.basename, options.config)))))


def check_strict(options: Options, results: Results) -> None:
    """Raise StrictError if there are warnings and the user wants none."""
    if options.strict and results.warnings:
        first, *others = results.warnings
        more = f" (and {len(others)} more warnings)" if others else ""
        raise StrictError(f"{first.message}{more}; this is a warning, and --strict makes it an error", first.place)


def report(options: Options, results: Results) -> str:
    """Return what is said about a run that went through: files refused, warnings, then the report asked for."""
    if options.report == "json":
        return results.as_json()
    errors = "".join(f"sidecar-plugin: error: {error}\n" for error in results.errors)
    warnings = "".join(f"sidecar-plugin: warning: {warning}\n" for warning in results.warnings)
    return errors + warnings + (results.as_text() if options.report == "text" else "")
