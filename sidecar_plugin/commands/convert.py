"""`sidecar-plugin convert --to DECLARATION PATH…`: rewrites sidecars from one declaration to another."""

from sidecar_plugin.command_line import add_options, add_paths, add_report, parser, say, write
from sidecar_plugin.conversion.plan import CONVERTIBLE
from sidecar_plugin.files import Conversion, Output, convert_files
from sidecar_plugin.results import Results
from sidecar_plugin.run import Options, report

DESCRIPTION = """\
Rewrite sidecars, written by hand or injected, from one declaration to another. Found are init containers with
restartPolicy: Always (native), containers with __IS_SIDECAR__ = "true" (acs), and regular containers that were injected or
are named with --container.
"""


def run(words: list[str]) -> int:
    """Convert; return the exit status. Raises SidecarPluginError, with nothing written."""
    line = parser("convert", DESCRIPTION)
    add_paths(line)
    line.add_argument("--to", choices=CONVERTIBLE, required=True, help="the declaration to write")
    line.add_argument(
        "--container",
        metavar="NAME",
        action="append",
        default=[],
        help="a regular container that is one (can be repeated)",
    )
    add_options(line, ("--config", "--cluster-version", "--platform", "--strict"))
    add_report(line)
    parsed = line.parse_args(words)
    given = Options(
        config=tuple(parsed.config),
        cluster_version=parsed.cluster_version,
        platform=parsed.platform,
        report=parsed.report,
        strict=parsed.strict,
    )
    results = Results()
    output = Output.of(parsed.in_place, parsed.diff, parsed.output_dir)
    write(convert_files(parsed.path, given, Conversion(parsed.to, tuple(parsed.container)), output, results))
    say(report(given, results))
    return 0
