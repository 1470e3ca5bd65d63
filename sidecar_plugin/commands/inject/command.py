"""`sidecar-plugin inject PATH…`: puts agents into manifests."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_keep_going, add_options, add_paths, options
from sidecar_plugin.injection.service_ports import ServicePorts
from sidecar_plugin.injection.session import injector_for
from sidecar_plugin.injection.stream import Stream, read_stream
from sidecar_plugin.runtime.atomic_write import Replacement
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.files import File, Output, check_given, read_files, write_files
from sidecar_plugin.runtime.progress import with_progress
from sidecar_plugin.runtime.report import Outcome, Results, check_strict, report
from sidecar_plugin.settings.layers import KIND
from sidecar_plugin.settings.options import Options, results_kept

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from sidecar_plugin.injection.chart_scopes import ScopedInjector
    from sidecar_plugin.injection.injector import Injector


class _Done(NamedTuple):
    """A file, its stream, the text that this became, and what became of its workloads and Services."""

    file: File
    stream: Stream
    text: str
    outcomes: list[Outcome]


class _Inject:
    summary = "put agents into manifests"
    description = "Put agents into manifests: files, folders, or - for stdin."

    def configure(self, parser: "ArgumentParser") -> None:
        add_paths(parser)
        add_keep_going(parser)
        add_options(parser)
        parser.add_argument("--html", metavar="FILE", help="write the change as a page for reviewers that needs nothing else")

    def run(self, arguments: "Namespace") -> int:
        """Inject; return the exit status. Raises SidecarPluginError, with nothing written."""
        given, results = options(arguments), Results()
        output = Output.of(arguments.in_place, arguments.diff, arguments.output_dir, arguments.keep_going)
        if arguments.html is not None:
            check_given("--html", arguments.html)
        write(inject_files(arguments.path, given, output, results, arguments.html))
        say(report(given.report, results))
        return 1 if results.errors else 0


COMMAND: Command = _Inject()


def inject_files(paths: list[str], options: Options, output: Output, results: Results, html: str | None = None) -> bytes:
    """Inject into all manifests below `paths`; return what goes to stdout. Settings found in any of them hold for all.
    With `html` the change is written there too, as a page.

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
        if output.in_place:
            streams = [(file, stream.with_settings()) for file, stream in streams]
        done = (_each_alone if output.keep_going else _together)(streams, injector, results)
        injector.warn_of_unused()
    if output.diff:
        from sidecar_plugin.commands.inject.changes import with_pods  # late: few runs show a difference

        results.outcomes = [outcome for each in done for outcome in with_pods(each.stream, each.text, each.outcomes)]
    texts = [(each.file, each.text) for each in done]
    check_strict(options.strict, results)
    if html is None:
        return write_files(texts, output)
    from sidecar_plugin.commands.inject.changes import changes  # late: few runs write a page
    from sidecar_plugin.commands.inject.page import page

    found = [change for each in done for change in changes(each.stream, each.text, each.outcomes, results.warnings)]
    return write_files(texts, output, Replacement(Path(html), page(found, results)))


def _each_alone(streams: "list[tuple[File, Stream]]", injector: "Injector | ScopedInjector", results: Results) -> list[_Done]:
    """Inject into each file by itself and leave out those that are refused."""
    done = []
    for file, stream in with_progress(streams):
        refused, said = len(results.errors), len(results.outcomes)
        with results.each_file(keep_going=True):
            text = "".join(injector.inject(stream))
            done.append(_Done(file, stream, text, results.outcomes[said:]))
        if len(results.errors) > refused:
            injector.drop_manifests()
    return done


def _together(streams: "list[tuple[File, Stream]]", injector: "Injector | ScopedInjector", results: Results) -> list[_Done]:
    """Inject into all files; the Services of each are changed when the pods of all are known."""
    services = ServicePorts(results, (document for _, stream in streams for document in stream.documents))
    begun = []
    for file, stream in with_progress(streams):
        said = len(results.outcomes)
        begun.append((file, stream, injector.begin(stream, services), results.outcomes[said:]))
    done = []
    for file, stream, found, outcomes in begun:
        said = len(results.outcomes)
        text = "".join(services.routed(found.documents, found.pieces))
        done.append(_Done(file, stream, text, [*outcomes, *results.outcomes[said:]]))
    services.warn_of_unreached()
    return done
