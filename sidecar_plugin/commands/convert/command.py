"""`sidecar-plugin convert --to DECLARATION PATH…`: rewrites sidecars from one declaration to another."""

from typing import TYPE_CHECKING, NamedTuple

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_options, add_paths, add_report
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.kubernetes.declarations import CONVERTIBLE
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.files import Output, read_files, write_files
from sidecar_plugin.runtime.progress import with_progress
from sidecar_plugin.runtime.report import Results, check_strict, report
from sidecar_plugin.settings.options import Options, settings_for

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


DESCRIPTION = """\
Rewrite sidecars, written by hand or injected, from one declaration to another. The command finds init containers with
restartPolicy: Always (native), containers with __IS_SIDECAR__ = "true" (acs) or ECI_CONTAINER_TYPE = "sidecar" (eci), and
regular containers that were injected or are named with --container.
"""


class _Convert:
    summary = "rewrite sidecars from one declaration to another"
    description = DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        add_paths(parser)
        parser.add_argument("--to", choices=CONVERTIBLE, required=True, help="the declaration to write")
        parser.add_argument(
            "--container",
            metavar="NAME",
            action="append",
            default=[],
            help="a regular container that is one (can be repeated)",
        )
        add_options(parser, ("--config", "--cluster-version", "--platform", "--strict"))
        add_report(parser)

    def run(self, arguments: "Namespace") -> int:
        """Convert; return the exit status. Raises SidecarPluginError, with nothing written."""
        given = Options(
            config=tuple(arguments.config),
            cluster_version=arguments.cluster_version,
            platform=arguments.platform,
            report=arguments.report,
            strict=arguments.strict,
        )
        results = Results()
        output = Output.of(arguments.in_place, arguments.diff, arguments.output_dir)
        write(convert_files(arguments.path, given, Conversion(arguments.to, tuple(arguments.container)), output, results))
        say(report(given.report, results))
        return 0


COMMAND: Command = _Convert()


class Conversion(NamedTuple):
    """What `convert` is asked for: a declaration, and the names of regular containers that are sidecars."""

    to: str
    named: tuple[str, ...] = ()


def convert_files(paths: list[str], options: Options, conversion: Conversion, output: Output, results: Results) -> bytes:
    """Convert the sidecars of all manifests below `paths`; return what goes to stdout.

    The cluster's version, its platform and custom workloads come from the options, and from settings found in the files, which
    stay where they are. Raises SidecarPluginError, with nothing written.
    """
    from sidecar_plugin.commands.convert.converter import Converter, Request  # late: injecting does not need it

    files = read_files(paths)
    layers = [layer for file in files for layer in read_stream(file.source).layers]
    settings = settings_for(options, layers, results)
    request = Request(conversion.to, settings.cluster_version, settings.platform, frozenset(conversion.named))
    converter = Converter(request, settings.workload_kinds(), results)
    texts = [(file, converter.convert(file.source)) for file in with_progress(files, "converting")]
    converter.check_names()
    check_strict(options.strict, results)
    return write_files(texts, output)
