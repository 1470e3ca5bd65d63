"""`helm template`, `install` and `upgrade` with the settings in the values of their chart, and what an upgrade would change.

Helm 3 runs any program as a post-renderer. Helm 4 runs plugins only, so it gets one for this run: $HELM_PLUGINS may name
several folders of plugins (pkg/postrenderer, NewPostRendererPlugin), and one more is made.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

from sidecar_plugin.commands.arguments import PROGRAM
from sidecar_plugin.commands.helm.diff import Hooks, changes
from sidecar_plugin.commands.helm.program import Flags, Helm, Line
from sidecar_plugin.commands.helm.values import evaluate, schema_note, settings_of, values_of, without_stdin
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.signals import forwarded, with_cleanup

VERBS = {"template": "template", "install": "install", "upgrade": "upgrade", "diff": "upgrade"}
"""What we are asked to do, and the command of helm that it takes its words from."""
CHANGED = 2
"""The exit status of `diff --detailed-exitcode` where there is a difference, as that of helm-diff."""
_PLUGIN = """\
apiVersion: v1
type: postrenderer/v1
name: sidecar-plugin-run
version: 0.0.0
runtime: subprocess
config: {}
runtimeConfig:
  platformCommand:
    - command: ${SIDECAR_PLUGIN_PROGRAM}
      args: ["--as-helm-plugin"]
"""


class Own(NamedTuple):
    """The flags that are ours, not helm's."""

    key: str
    templates: tuple[str, ...]
    report: str
    strict: bool
    hooks: Hooks
    detailed_exitcode: bool

    def words(self, settings: Path) -> list[str]:
        """Return the post-renderer's words."""
        templates = [f"--templates={os.path.abspath(folder)}" for folder in self.templates]
        return [f"--config={settings}", *templates, f"--report={self.report}", *(["--strict"] if self.strict else [])]


def run_helm(verb: str, words: list[str], own: Own) -> int:
    """Run helm with the post-renderer; return its exit status. Raises SidecarPluginError, with nothing done."""
    helm = Helm.found()
    command = VERBS[verb]
    flags = helm.flags(command)
    line = _read(verb, words, flags)
    if line.has("no-hooks") and any(own.hooks):
        raise UsageError("--no-hooks leaves out what --include-hooks and --include-tests ask for; give one of them")
    folder = Path(gettempdir(), f"sidecar-plugin-{os.urandom(8).hex()}")

    def cleanup() -> None:
        helm.stop()
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)

    with with_cleanup(cleanup):
        folder.mkdir(0o700)
        return _run(verb, helm, without_stdin(line, folder), flags, own, folder)


def _run(verb: str, helm: Helm, line: Line, flags: Flags, own: Own, folder: Path) -> int:
    """Do what is asked, with what helm is to read in the folder."""
    command = VERBS[verb]
    values = values_of(helm, command, line, flags, folder)
    evaluated = evaluate(helm, command, values, flags, own.key, folder)
    document, _ = settings_of(evaluated, values, own.key, own.templates)
    settings = folder / f"values-{own.key}.yaml"
    settings.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    given = [flag.word for flag in line.given]
    environment, post_renderer = _post_renderer(helm, own.words(settings), folder)
    if verb == "diff":
        shown = changes(helm, line, flags, [*given, *post_renderer], environment, own.key, own.hooks)
        write(shown.encode())
        return CHANGED if shown and own.detailed_exitcode else 0
    status = _in_front(helm, [command, *given, *post_renderer, "--", *line.arguments], environment)
    if status and evaluated.values is not None:
        say(schema_note(line.arguments[-1], own.key))
    return status


def _read(verb: str, words: list[str], flags: Flags) -> Line:
    line = Line.read(words, flags)
    for name in ("post-renderer", "post-renderer-args"):
        if line.has(name):
            raise UsageError(
                f"--{name} does not go with `helm sidecar`, which brings a post-renderer of its own; use helm {verb}"
            )
    if not line.arguments or (VERBS[verb] == "upgrade" and len(line.arguments) < 2):
        what = "NAME CHART" if VERBS[verb] == "upgrade" else "[NAME] CHART"
        raise UsageError(f"say which chart: helm sidecar {verb} {what}")
    return line


def _post_renderer(helm: Helm, words: list[str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the words that make helm run us."""
    environment = dict(os.environ)
    # As Helm's plugin we were given what it had worked out; as flags the same stands in the words.
    args = [f"--post-renderer-args={word}" for word in words]
    if helm.major == 3:
        return environment, [f"--post-renderer={_program()}", *args]
    plugin = folder / "plugins" / "sidecar-plugin-run"
    plugin.mkdir(parents=True)
    (plugin / "plugin.yaml").write_text(_PLUGIN, "utf-8")
    known = os.environ.get("HELM_PLUGINS") or helm.output("env", "HELM_PLUGINS").strip()
    environment["HELM_PLUGINS"] = os.pathsep.join((known, str(plugin.parent)))
    environment["SIDECAR_PLUGIN_PROGRAM"] = _program()
    return environment, ["--post-renderer=sidecar-plugin-run", *args]


def _program() -> str:
    """Return the path of this program."""
    started = shutil.which(sys.argv[0])
    if started and os.path.basename(started) == PROGRAM:
        return os.path.abspath(started)
    return os.path.join(sysconfig.get_path("scripts"), PROGRAM)


def _in_front(helm: Helm, words: list[str], environment: dict[str, str]) -> int:
    """Run helm in our place: with our streams, and with the signals that we are sent."""
    child: subprocess.Popen[bytes] | None = None
    sent: list[int] = []

    def send(number: int) -> None:
        if number == signal.SIGINT:
            return  # the terminal sends it to helm as well
        sent.append(number)
        if child is not None:
            child.send_signal(number)

    with forwarded(send):
        child = subprocess.Popen([helm.program, *words], env=environment)  # noqa: S603  # no shell
        for number in sent:
            child.send_signal(number)
        status = child.wait()
    return status if status >= 0 else 128 - status
