"""`sidecar-plugin images`: every image that the agents of the settings bring, to mirror and to scan them."""

from typing import TYPE_CHECKING, NamedTuple

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.agents.images import ImageSource
from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import OPTIONS, add_options, options
from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.injection.rendering import SAMPLE_WORKLOAD, Rendering, sample_pod
from sidecar_plugin.kubernetes.cluster_version import parse_cluster_version
from sidecar_plugin.kubernetes.image_names import registry_and_path, tag
from sidecar_plugin.runtime.console import json_text, say, write
from sidecar_plugin.runtime.report import Results, report
from sidecar_plugin.settings.layers import API_VERSION, KIND
from sidecar_plugin.settings.options import settings_for
from sidecar_plugin.settings.settings import AgentSettings, Settings
from sidecar_plugin.yamledit.emitter import block

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_DESCRIPTION = """\
List the images of the agents that the settings enable, one line each: to copy them to a registry of your own (the setting
imageRegistry) and to scan them. No manifest is read: the agents are rendered for a Deployment with the ports http (8080) and
metrics (9090), so an image that an annotation of a workload sets is not in the list.

With --pin it asks the registries that pods pull from for the digests, with the credentials of `docker login`, and prints
them as the setting imageDigests, which pins every image to its bytes.
"""
_VERSION = "1.30"  # where no source gives one: no built-in agent's image depends on it


class Image(NamedTuple):
    """One image: the agent that brings it, the container that runs it, its name, and its name as the agent gives it."""

    agent: str
    container: str
    image: str
    source: str

    @property
    def digest(self) -> str:
        """The digest in its name, "" for none."""
        return self.image.partition("@")[2]


class _Images:
    summary = "every image that the agents of the settings bring"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("--all", action="store_true", help="of every agent there is, enabled or not")
        parser.add_argument("--pin", action="store_true", help="ask the registries for digests; print settings with them")
        text = "a table, with --pin settings (text, default), one image a line (names), or json"
        parser.add_argument("--output", "-o", choices=tuple(_FORMATS), default="text", help=text)
        add_options(parser, tuple(flag for flag, _, _ in OPTIONS if flag not in ("--report", "--strict")))

    def run(self, arguments: "Namespace") -> int:
        """Print the images; return the exit status. Raises SidecarPluginError as injection does."""
        results = Results()
        given = options(arguments)
        settings = settings_for(given, [], results)
        found = images(settings, given.templates, every=arguments.all)
        if not found:
            results.warn("no agent is enabled; --all lists the images of every agent", None)
        found = _pinned(found) if arguments.pin else found
        form = _as_settings if arguments.pin and arguments.output == "text" else _FORMATS[arguments.output]
        write(form(found).encode())
        say(report("none", results))
        return 0


COMMAND: Command = _Images()


def images(settings: Settings, templates: tuple[str, ...], *, every: bool = False) -> list[Image]:
    """Return the images of the enabled agents, of `every` agent if asked, in the settings' order. Raises SidecarPluginError."""
    library = AgentFolders(templates)
    if settings.cluster_version is None:
        settings = settings._replace(cluster_version=parse_cluster_version(_VERSION))
    agents = [agent for agent in settings.agents.values() if agent.enabled or every]
    if every:
        others = [name for name in library.names() if name not in settings.agents]
        agents += [AgentSettings(name, True, None, [], None, {}, {}) for name in others]
    if not agents:
        return []
    rendering = Rendering(settings._replace(image_registry="", image_digests={}), library)
    source = ImageSource(settings.image_registry, settings.image_digests)
    pod = sample_pod("images", SAMPLE_WORKLOAD)
    declaration, _ = rendering.declaration(pod.kind, False, "the list of images")
    found = []
    for agent in agents:
        parts = rendering.parts(pod, agent, rendering.context(declaration))
        for container in (*parts.init_containers, rendering.container(agent, parts, declaration, pod)):
            image = container["image"]
            found.append(Image(agent.name, container["name"], source.image(image), image))
    return list(dict.fromkeys(found))


def _pinned(found: list[Image]) -> list[Image]:
    """Return the images with their digests, of which the registries are asked that pods pull from; one that is pinned already
    is asked for again by its tag, unless the agent itself names a digest.

    Raises RegistryError and CredentialsError, with the agent.
    """
    from sidecar_plugin.runtime.registry import Repository, digest_of  # late: injecting asks no registry

    known: dict[str, str] = {}
    pinned = []
    for image in found:
        name = image.image.partition("@")[0]
        if "@" in image.source:
            pinned.append(image)
            continue
        if name not in known:
            try:
                known[name] = digest_of(Repository(*registry_and_path(name)), tag(name))
            except SidecarPluginError as error:
                error.message = f"the agent {image.agent}: {error.message}"
                raise
        pinned.append(image._replace(image=f"{name}@{known[name]}"))
    return pinned


def _as_settings(found: list[Image]) -> str:
    """Return the setting that pins the images, as a document of settings."""
    digests = {image.source: image.digest for image in found if "@" not in image.source}
    spec = {"imageDigests": digests}
    data = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "image-digests"}, "spec": spec}
    return "".join(f"{line}\n" for line in block(data, 0)) if digests else ""


def _as_text(found: list[Image]) -> str:
    has_registry = any(image.image != image.source for image in found)
    header = ("AGENT", "CONTAINER", "IMAGE", "FROM")
    rows = [row if has_registry else row[:3] for row in (header, *found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines) if found else ""


def _as_names(found: list[Image]) -> str:
    return "".join(f"{name}\n" for name in dict.fromkeys(image.image for image in found))


def _as_json(found: list[Image]) -> str:
    return json_text({"images": [{**image._asdict(), "digest": image.digest} for image in found]}, indent=2) + "\n"


_FORMATS = {"text": _as_text, "names": _as_names, "json": _as_json}
