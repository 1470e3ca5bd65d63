"""`sidecar-plugin inject PATH…`: puts agents into manifests."""

from sidecar_plugin.command_line import add_keep_going, add_options, add_paths, options, parser, say, write
from sidecar_plugin.files import Output, inject_files
from sidecar_plugin.results import Results
from sidecar_plugin.run import report


def run(words: list[str]) -> int:
    """Inject; return the exit status. Raises SidecarPluginError, with nothing written."""
    line = parser("inject", "Put agents into manifests: files, folders, or - for stdin.")
    add_paths(line)
    add_keep_going(line)
    add_options(line)
    parsed = line.parse_args(words)
    given, results = options(parsed), Results()
    output = Output.of(parsed.in_place, parsed.diff, parsed.output_dir, parsed.keep_going)
    write(inject_files(parsed.path, given, output, results))
    say(report(given, results))
    return 1 if results.errors else 0
