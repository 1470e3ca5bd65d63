"""`sidecar-plugin check PATH…`: finds mistakes in how sidecars are declared."""

from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import CLUSTER_OPTIONS, PROGRAM, add_kubectl_options, add_options, kubectl_of
from sidecar_plugin.commands.check.formats import FORMATS, Report
from sidecar_plugin.commands.check.live import live_objects
from sidecar_plugin.commands.check.nodes import nodes_and_webhooks
from sidecar_plugin.commands.check.rule import Rule, documentation, title
from sidecar_plugin.commands.check.rules import RULES, native_sidecar_stripped, rule_of, selected
from sidecar_plugin.errors import ManifestError, Place, SidecarPluginError, UsageError
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.kubernetes.kubectl import Kubectl
from sidecar_plugin.kubernetes.text_search import may_hold_objects_about_pods
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.files import read_files
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.settings.options import Options, settings_for
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from sidecar_plugin.kubernetes.stream_objects import StreamObject


DESCRIPTION = """\
Check manifests and values files for mistakes in how sidecars are declared. The exit status is 1 if there is a finding of level
error (with --strict: any finding). Rules that depend on the cluster's version or platform run only if these are given.
"""


_BY_HAND = f"kubectl get deployments,statefulsets,daemonsets,jobs,cronjobs,nodes -A -o yaml | {PROGRAM} check -"


class _Check:
    summary = "find mistakes in how sidecars are declared"
    description = DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("path", nargs="*", metavar="PATH", help="a manifest, a folder of manifests, or - for stdin")
        parser.add_argument("--cluster", action="store_true", help="check what kubectl finds in the cluster instead of files")
        add_kubectl_options(parser.add_argument_group("with --cluster"), "objects")
        for flag, text in (("--select", "run this rule only"), ("--ignore", "do not run this rule")):
            parser.add_argument(
                flag, metavar="RULE", action="append", default=[], help=f"{text} (can be repeated; or RULE,RULE)"
            )
        parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="text (default), json, sarif or github")
        parser.add_argument("--list", action="store_true", help="list the rules")
        parser.add_argument("--explain", metavar="RULE", help="show a rule's documentation")
        add_options(parser, ("--config", "--cluster-version", "--platform", "--strict"))

    def run(self, arguments: "Namespace") -> int:
        """Check; return the exit status. Raises SidecarPluginError for bad usage and settings."""
        rules = selected(_names(arguments.select), _names(arguments.ignore))
        if arguments.explain is not None:
            rule = rule_of(arguments.explain)
            write(f"{rule.ID} ({rule.LEVEL}): {title(rule)}\n\n{documentation(rule)}\n".encode())
            return 0
        if arguments.list:
            width = max(map(len, RULES))
            write("".join(f"{rule.ID:{width}}  {rule.LEVEL:7}  {title(rule)}\n" for rule in rules).encode())
            return 0
        if arguments.cluster and arguments.path:
            raise UsageError("--cluster checks what kubectl finds; leave out PATH, or --cluster")
        if not arguments.path and not arguments.cluster:
            raise UsageError("the following arguments are required: PATH or --cluster (see `sidecar-plugin check --help`)")
        for name in () if arguments.cluster else CLUSTER_OPTIONS:
            if getattr(arguments, name):
                raise UsageError(f"--{name.replace('_', '-')} is for kubectl, and without --cluster none is run")
        given = Options(config=tuple(arguments.config), cluster_version=arguments.cluster_version, platform=arguments.platform)
        if arguments.cluster:
            report, unread = check_cluster(kubectl_of(arguments, _BY_HAND), given, rules)
            for name in unread:
                say(f"sidecar-plugin: not read, as you may not list them: {name}\n")
        else:
            report = check_files(arguments.path, given, rules)
        write(FORMATS[arguments.format](report).encode())
        if arguments.format in ("text", "github"):
            say(_summary(report))
        return 1 if report.count("error") or (arguments.strict and report.findings) else 0


COMMAND: Command = _Check()


def _names(given: list[str]) -> list[str]:
    return [name.strip() for words in given for name in words.split(",") if name.strip()]


def _summary(report: Report) -> str:
    errors, warnings = (_counted(report.count(level), level) for level in ("error", "warning"))
    text = f"sidecar-plugin: {errors}, {warnings} in {_counted(report.pods, 'workload')}\n"
    for need, option in (("version", "--cluster-version"), ("platform", "--platform")):
        names = [rule.ID for rule in report.not_run if need in rule.NEEDS]
        if names:
            text += f"sidecar-plugin: not run without {option}: {', '.join(names)}\n"
    return text


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def check_files(paths: list[str], options: Options, rules: "list[Rule]") -> "Report":
    """Check all manifests below `paths` by the rules; return what was found.

    The cluster's version, its platform and custom workloads come from the options and from settings found in the files. Raises
    SidecarPluginError for options and files that cannot be read; what a file says is never an error, but a finding.
    """
    return _check([file.source for file in read_files(paths)], options, rules)


def check_cluster(kubectl: Kubectl, options: Options, rules: "list[Rule]") -> "tuple[Report, list[str]]":
    """Check what a cluster holds by the rules; return what was found, and the types of objects that could not be read.

    The version is the API server's unless the options name one. Raises SidecarPluginError for options and KubectlError.
    """
    given = options if options.cluster_version else options._replace(cluster_version=str(kubectl.version()))
    live = live_objects(kubectl, settings_for(given, [], Results()).workload_kinds())
    report = _check([*live.about, *live.own], given, rules)
    # Of a pod that a controller made only what happened to it is reported: the rest is reported of the controller.
    stripped = [rule for rule in rules if rule.ID == native_sidecar_stripped.ID]
    of_pods = _check([*live.about, *live.owned], given, stripped).findings if stripped else []
    return report._replace(findings=[*report.findings, *of_pods]), live.unread


def _check(sources: list[Source], options: Options, rules: "list[Rule]") -> "Report":
    from sidecar_plugin.commands.check.formats import Report  # late: injecting does not need it
    from sidecar_plugin.commands.check.linter import Linter
    from sidecar_plugin.commands.check.pod import Cluster
    from sidecar_plugin.commands.check.suppressions import without_ignored

    layers, wrong = list[Layer](), dict[str, SidecarPluginError]()
    for source in sources:
        try:
            layers += read_stream(source).layers
        except SidecarPluginError as error:
            wrong[source.name] = error
    settings = settings_for(options, layers, Results())
    told = any("platform" in layer.data for layer in settings.layers)
    seen = [nodes_and_webhooks(source) for source in sources]
    nodes = tuple(node for found_nodes, _ in seen for node in found_nodes)
    webhooks = tuple(name for _, names in seen for name in names)
    cluster = Cluster(settings.cluster_version, settings.platform if told else None, nodes, webhooks)
    objects = [one for source in sources if source.name not in wrong for one in _objects(source)]
    linter = Linter(rules, cluster, settings.workload_kinds(), objects)
    findings = []
    for source in sources:
        found = linter.check(source)
        mistake = wrong.get(source.name)
        if mistake and not any(finding.place == mistake.place for finding in found):
            found += linter.unreadable(mistake, Place(source.name, 1, 1))
        findings += without_ignored(source, found)
    by_name = {source.name: source for source in sources}
    for finding in linter.together():
        findings += without_ignored(by_name[finding.place.file], [finding])
    return Report(findings, rules, linter.not_run, linter.pods)


def _objects(source: Source) -> "list[StreamObject]":
    """Return the objects of a file that limit or scale pods; a document that cannot be read has a finding of its own."""
    from sidecar_plugin.kubernetes.stream_objects import objects  # late: injecting does not need it

    found: list[StreamObject] = []
    for document in split(source) if may_hold_objects_about_pods(source.text) else ():
        with suppress(ManifestError):
            found += list(objects(document))
    return found
