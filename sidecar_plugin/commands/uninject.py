"""`sidecar-plugin uninject PATH…`: takes out of manifests what inject put in."""

from sidecar_plugin.command_line import add_keep_going, add_paths, add_report, parser, say, write
from sidecar_plugin.files import Output, uninject_files
from sidecar_plugin.results import Results
from sidecar_plugin.run import Options, report


def run(words: list[str]) -> int:
    """Take out all injections; return the exit status. Raises SidecarPluginError, with nothing written."""
    line = parser("uninject", "Take out of manifests everything that inject put in, to the byte.")
    add_paths(line)
    add_keep_going(line)
    add_report(line)
    parsed = line.parse_args(words)
    results = Results()
    output = Output.of(parsed.in_place, parsed.diff, parsed.output_dir, parsed.keep_going)
    write(uninject_files(parsed.path, output, results))
    say(report(Options(report=parsed.report), results))
    return 1 if results.errors else 0
