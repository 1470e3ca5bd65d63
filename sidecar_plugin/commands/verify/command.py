"""`sidecar-plugin verify [FILE]`: tells whether the sidecars of running and ended pods did what their declaration promises."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import CLUSTER_OPTIONS, PROGRAM, add_kubectl_options, kubectl_of
from sidecar_plugin.commands.verify.page import page
from sidecar_plugin.commands.verify.plan import plan
from sidecar_plugin.commands.verify.status import read
from sidecar_plugin.commands.verify.timeline import as_text, timelines
from sidecar_plugin.commands.verify.verdicts import FAILED, WAITING, Verdicts, judge
from sidecar_plugin.errors import ManifestError, UsageError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion, parse_cluster_version
from sidecar_plugin.kubernetes.kubectl import KubectlError
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from sidecar_plugin.runtime.console import read_stdin, write
from sidecar_plugin.runtime.files import check_given
from sidecar_plugin.runtime.lookup import read_file

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_DURATION = re.compile(r"(?=\d)(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")
_PAUSE = 2  # seconds between two looks at the cluster
_DESCRIPTION = """\
Tell whether sidecars behaved: they are declared as they were injected, started before the application, ended after it with
exit code 0, and the Jobs are complete. Exit status 1 when something is not so.

Without FILE it runs kubectl, with your context. FILE, or - for stdin, holds what `kubectl get pods,jobs -o json` says.
"""


class _Verify:
    summary = "whether sidecars of pods and Jobs behaved"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="the output of kubectl, or - for stdin")
        add_kubectl_options(parser, "pods and Jobs")
        parser.add_argument("--wait", metavar="DURATION", help="wait so long for what is not over yet, such as 120s or 5m")
        parser.add_argument("--cluster-version", metavar="VERSION", help='the Kubernetes version, such as "1.30", for a FILE')
        parser.add_argument("--timeline", action="store_true", help="draw each pod's containers over time, below the tables")
        parser.add_argument("--html", metavar="FILE", help="write the timelines as a page that needs nothing else")
        parser.add_argument(
            "--plan", action="store_true", help="print what is to be done so that every sidecar is native, instead of judging"
        )
        parser.add_argument("--output", "-o", choices=("text", "json"), default="text", help="tables (default) or JSON")

    def run(self, arguments: "Namespace") -> int:
        """Judge and print; return 1 when a promise is not kept, else 0. Raises SidecarPluginError for what cannot be judged."""
        version = (
            parse_cluster_version(arguments.cluster_version, field="--cluster-version") if arguments.cluster_version else None
        )
        if arguments.timeline and arguments.output == "json":
            raise UsageError("--timeline is drawn as text; leave out --output json, or write a page with --html FILE")
        if arguments.plan:
            if arguments.file or arguments.timeline or arguments.html is not None or arguments.wait:
                raise UsageError("--plan reads the cluster by kubectl; leave out FILE, --wait, --timeline and --html")
            found = plan(kubectl_of(arguments), version)
            write((found.as_json() if arguments.output == "json" else found.as_text()).encode())
            return 0
        if arguments.html is not None:
            check_given("--html", arguments.html)
        verdicts = _of_file(arguments, version) if arguments.file else _of_cluster(arguments, version)
        if arguments.html is not None:
            replace_files([Replacement(Path(arguments.html), page(timelines(verdicts)))])
        drawn = as_text(timelines(verdicts)) if arguments.timeline else ""
        write((verdicts.as_json() if arguments.output == "json" else verdicts.as_text() + drawn).encode())
        return 1 if verdicts.has(FAILED) else 0


COMMAND: Command = _Verify()


def _of_file(given: "Namespace", version: ClusterVersion | None) -> Verdicts:
    for name in (*CLUSTER_OPTIONS, "wait"):
        if getattr(given, name):
            raise UsageError(f"--{name.replace('_', '-')} is for kubectl, and with a FILE none is run")
    name = "<stdin>" if given.file == "-" else given.file
    try:
        data = read_stdin() if given.file == "-" else read_file(given.file)
    except OSError as error:
        raise ManifestError(f"{name}: cannot be read: {error.strerror}") from None
    verdicts = judge(*read(data, name), version)
    if not verdicts.found:
        raise ManifestError(f"{name}: none of the pods and Jobs has a sidecar")
    return verdicts


def _of_cluster(given: "Namespace", version: ClusterVersion | None) -> Verdicts:
    kubectl = kubectl_of(given, f"kubectl get pods,jobs -o json | {PROGRAM} verify -")
    deadline = time.monotonic() + _seconds(given.wait)
    version = version or kubectl.version()
    while True:
        verdicts = judge(*read(kubectl.pods_and_jobs(), kubectl.program), version)
        left = deadline - time.monotonic()
        if left <= 0 or (verdicts.found and not verdicts.has(WAITING)):
            break
        time.sleep(min(_PAUSE, left))
    if not verdicts.found:
        where = "any namespace" if given.all_namespaces else f"namespace {given.namespace or '(that of the context)'}"
        raise KubectlError(f"no pod and no Job with a sidecar in {where}; see `{PROGRAM} verify --help`")
    return verdicts.out_of_time(given.wait) if given.wait else verdicts


def _seconds(duration: str | None) -> int:
    if duration is None:
        return 0
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise UsageError(f"--wait takes a duration such as 120s, 5m or 1h30m, not {duration!a}")
    return sum(int(found[unit] or 0) * seconds for unit, seconds in (("h", 3600), ("m", 60), ("s", 1)))
