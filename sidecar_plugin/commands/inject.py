"""`sidecar-plugin inject PATH…`: puts agents into manifests."""

from sidecar_plugin.command_line import add_options, add_paths, options, parser, say, write
from sidecar_plugin.files import Output, inject_files
from sidecar_plugin.results import Results
from sidecar_plugin.run import report


def run(words: list[str]) -> int:
    """Inject; return the exit status. Raises SidecarPluginError, with nothing written."""
    line = parser("inject", "Put agents into manifests: files, folders, or - for stdin.")
    add_paths(line)
    add_options(line)
    parsed = line.parse_args(words)
    given, results = options(parsed), Results()
    write(inject_files(parsed.path, given, Output.of(parsed.in_place, parsed.diff, parsed.output_dir), results))
    say(report(given, results))
    return 0
