"""`sidecar-plugin uninject PATH…`: takes out of manifests what inject put in."""

from typing import TYPE_CHECKING

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_keep_going, add_paths, add_report
from sidecar_plugin.injection.uninject import uninject
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.files import Output, read_files, write_files
from sidecar_plugin.runtime.progress import with_progress
from sidecar_plugin.runtime.report import Results, report

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _Uninject:
    summary = "take them out again, to the byte"
    description = "Take out of manifests everything that inject put in, to the byte."

    def configure(self, parser: "ArgumentParser") -> None:
        add_paths(parser)
        add_keep_going(parser)
        add_report(parser)

    def run(self, arguments: "Namespace") -> int:
        """Take out all injections; return the exit status. Raises SidecarPluginError, with nothing written."""
        results = Results()
        output = Output.of(arguments.in_place, arguments.diff, arguments.output_dir, arguments.keep_going)
        write(uninject_files(arguments.path, output, results))
        say(report(arguments.report, results))
        return 1 if results.errors else 0


COMMAND: Command = _Uninject()


def uninject_files(paths: list[str], output: Output, results: Results) -> bytes:
    """Take all injections out of the manifests below `paths`; return what goes to stdout. Raises SidecarPluginError."""
    texts = []
    for file in with_progress(read_files(paths, output, results), "taking out"):
        with results.each_file(output.keep_going):
            texts.append((file, uninject(file.source, results)))
    return write_files(texts, output)
