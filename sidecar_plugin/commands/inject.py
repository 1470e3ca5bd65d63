"""`sidecar-plugin inject PATH…`: puts agents into manifests."""

from typing import TYPE_CHECKING

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_keep_going, add_options, add_paths, options
from sidecar_plugin.injection.session import injector_for
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.files import Output, read_files, write_files
from sidecar_plugin.runtime.progress import with_progress
from sidecar_plugin.runtime.report import Results, check_strict, report
from sidecar_plugin.settings.layers import KIND
from sidecar_plugin.settings.options import Options, results_kept

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _Inject:
    summary = "put agents into manifests"
    description = "Put agents into manifests: files, folders, or - for stdin."

    def configure(self, parser: "ArgumentParser") -> None:
        add_paths(parser)
        add_keep_going(parser)
        add_options(parser)

    def run(self, arguments: "Namespace") -> int:
        """Inject; return the exit status. Raises SidecarPluginError, with nothing written."""
        given, results = options(arguments), Results()
        output = Output.of(arguments.in_place, arguments.diff, arguments.output_dir, arguments.keep_going)
        write(inject_files(arguments.path, given, output, results))
        say(report(given.report, results))
        return 1 if results.errors else 0


COMMAND: Command = _Inject()


def inject_files(paths: list[str], options: Options, output: Output, results: Results) -> bytes:
    """Inject into all manifests below `paths`; return what goes to stdout. Settings found in any of them hold for all.

    In place, the files' own SidecarInjection documents stay where they are; elsewhere they are taken out.
    Raises SidecarPluginError, with nothing written.
    """
    with results_kept(options):
        streams = []
        for file in with_progress(read_files(paths, output, results), "reading"):
            without_settings = KIND not in file.source.text  # a file with settings is never left out: nothing would be right
            with results.each_file(output.keep_going and without_settings):
                streams.append((file, read_stream(file.source)))
        injector = injector_for(options, [layer for _, stream in streams for layer in stream.layers], results)
        if injector.is_idle:
            results.warn("no settings, so nothing was injected; give --config, --values, --set or a SidecarInjection", None)
        texts = []
        for file, stream in with_progress(streams):
            refused = len(results.errors)
            with results.each_file(output.keep_going):
                text = "".join(injector.inject(stream if not output.in_place else stream.with_settings()))
                texts.append((file, text))
            if len(results.errors) > refused:
                injector.drop_manifests()
        injector.warn_of_unused()
    check_strict(options.strict, results)
    return write_files(texts, output)
