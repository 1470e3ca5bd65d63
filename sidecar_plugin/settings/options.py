"""What the front ends share: the options of a run, the settings they make, and how a run ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.cache import MemoFile, keeping
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import (
    VALUES_KEY,
    Layer,
    config_layers,
    misspelt_values_key,
    option_layer,
    set_layer,
    values_layer,
)
from sidecar_plugin.settings.set_syntax import parse_set, parse_set_file
from sidecar_plugin.settings.settings import Settings, merge_layers
from sidecar_plugin.yamledit.source import Source


class Options(NamedTuple):
    """The options that every way of injecting takes."""

    config: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    set_string: tuple[str, ...] = ()
    set_file: tuple[str, ...] = ()
    cluster_version: str | None = None
    platform: str | None = None
    declaration: str | None = None
    templates: tuple[str, ...] = ()
    report: str = "text"
    strict: bool = False


def read_file(name: str, option: str) -> Source:
    """Return the text of a settings file. Raises UsageError if it cannot be read."""
    from sidecar_plugin.runtime import lookup  # late: settings mostly come with the stream

    try:
        return Source.decode(name, lookup.read_file(name))
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror or error}") from None


def settings_for(options: Options, found: list[Layer], results: Results) -> Settings:
    """Return the settings of the options and those `found` in the input, in the design's order."""
    return merge_layers([*settings_documents(options, found), *option_layers(options, results)])


def _text_of(name: str) -> str:
    return read_file(name, "--set-file").text


def settings_documents(options: Options, found: list[Layer]) -> list[Layer]:
    return [*(layer for name in options.config for layer in config_layers(read_file(name, "--config"))), *found]


def option_layers(options: Options, results: Results) -> list[Layer]:
    """Return the settings that the options give, which come behind all documents."""
    layers: list[Layer] = []
    for name in options.values:
        source = read_file(name, "--values")
        layer = values_layer(source)
        if layer is None:
            near = misspelt_values_key(source)
            hint = f'; did you mean "{VALUES_KEY}" by its key "{near[0]}"?' if near else ""
            message = f"--values {name}: it has no key `{VALUES_KEY}`, so it sets nothing{hint}"
            results.warn(message, near[1] if near else None)
        else:
            layers.append(layer)
    layers += [set_layer("--set", text, parse_set(text)) for text in options.set]
    layers += [set_layer("--set-string", text, parse_set(text, "--set-string")) for text in options.set_string]
    layers += [set_layer("--set-file", text, parse_set_file(text, _text_of)) for text in options.set_file]
    for option, key, value in (
        ("--cluster-version", "clusterVersion", options.cluster_version),
        ("--platform", "platform", options.platform),
        ("--declaration", "declaration", options.declaration),
    ):
        if value is not None:
            layers.append(option_layer(option, key, value))
    return layers


@contextmanager
def results_kept(options: Options) -> Iterator[None]:
    """Use the results of earlier runs with the same options, and keep those of this run if it ends without an error.

    Of a settings file its name suffices, as `helm sidecar` writes one in a folder of each run: a result depends on nothing
    that its key does not hold.
    """
    kept = MemoFile(map(repr, options._replace(config=tuple(map(os.path.basename, options.config)))))
    with keeping(kept.memo):
        yield
    kept.save()
