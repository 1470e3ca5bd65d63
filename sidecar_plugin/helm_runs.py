"""`helm template`, `install` and `upgrade` with the settings in the values of their chart, and what an upgrade would change.

Helm 3 runs any program as a post-renderer. Helm 4 runs plugins only, so it gets one for this run: $HELM_PLUGINS may name
several folders of plugins (pkg/postrenderer, NewPostRendererPlugin), and one more is made.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

from sidecar_plugin.command_line import PROGRAM, say, write
from sidecar_plugin.diffs import Side, unified
from sidecar_plugin.document.stream import Document, split
from sidecar_plugin.errors import UsageError
from sidecar_plugin.fields import scalar_text
from sidecar_plugin.helm_charts import template_of
from sidecar_plugin.helm_program import Flags, Helm, HelmError, Line
from sidecar_plugin.helm_values import evaluate, settings_of, values_of, without_stdin
from sidecar_plugin.nodes import Mapping
from sidecar_plugin.signals import passed_on, tidily
from sidecar_plugin.source import Source

VERBS = {"template": "template", "install": "install", "upgrade": "upgrade", "diff": "upgrade"}
"""What we are asked to do, and the command of helm that it takes its words from."""
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
    folder = Path(gettempdir(), f"sidecar-plugin-{os.urandom(8).hex()}")

    def take_away() -> None:
        helm.stop()
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)

    with tidily(take_away):
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
        write(_changes(helm, line, flags, [*given, *post_renderer], environment, own.key).encode())
        return 0
    status = _in_front(helm, [command, *given, *post_renderer, "--", *line.arguments], environment)
    if status and evaluated.values is not None:
        say(_schema_note(line.arguments[-1], own.key))
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

    with passed_on(send):
        child = subprocess.Popen([helm.program, *words], env=environment)  # noqa: S603  # no shell
        for number in sent:
            child.send_signal(number)
        status = child.wait()
    return status if status >= 0 else 128 - status


def _schema_note(chart: str, key: str) -> str:
    """Return what to say when helm failed, and the schema of a chart's folder takes no value of that key; else ""."""
    try:
        schema = json.loads(Path(chart, "values.schema.json").read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(schema, dict) or schema.get("additionalProperties") is not False or key in schema.get("properties", {}):
        return ""
    name = os.path.join(chart, "values.schema.json")
    return (
        f"sidecar-plugin: {name} takes no value of the key {key}, so helm refuses it; give --skip-schema-validation, "
        'or leave the settings out of the values: docs/helm.md, "A chart that does not"\n'
    )


# --- what an upgrade would change


def _changes(helm: Helm, line: Line, flags: Flags, given: list[str], environment: dict[str, str], key: str) -> str:
    """Return the difference between the release as it is and as the flags that are given would make it. Raises HelmError."""
    before = _deployed(helm, line, flags)
    dry = [] if line.values("dry-run") else ["--dry-run=server"]
    install = [] if line.has("install") else ["--install"]
    try:
        after = _upgraded(helm, [*line.arguments, *given, *install, *dry], environment)
    except HelmError as error:
        raise HelmError(f"{error}{_schema_note(line.arguments[-1], key)}", error.exit_status) from None
    before, after = _without_secrets(before, after)
    return unified(Side(f"release {line.arguments[0]}", before), Side("upgraded", after))


def _deployed(helm: Helm, line: Line, flags: Flags) -> str:
    inherited = line.among(flags.inherited)
    try:
        hooks = "" if line.has("no-hooks") else helm.output("get", "hooks", line.arguments[0], *inherited)
        return _joined(helm.output("get", "manifest", line.arguments[0], *inherited), hooks)
    except HelmError as error:
        if "not found" in str(error):
            return ""  # everything is new
        raise


def _upgraded(helm: Helm, words: list[str], environment: dict[str, str]) -> str:
    done = helm.run("upgrade", "--output=json", *words, environment=environment, stdin=None)
    if done.returncode != 0:
        raise HelmError(done.stderr, 1)
    say(done.stderr)
    release = json.loads(done.stdout[done.stdout.index("{") :])
    hooks = "".join(f"---\n# Source: {hook['path']}\n{hook['manifest']}\n" for hook in release.get("hooks") or ())
    return _joined(release["manifest"], hooks if "--no-hooks" not in words else "")


def _joined(manifest: str, hooks: str) -> str:
    """Return the documents of a release, each ending with one line break and in the order of their names."""
    documents = re.split(r"^---[ \t]*\n", f"{manifest}\n---\n{hooks}", flags=re.MULTILINE)
    return "".join(f"---\n{document.strip()}\n" for document in sorted(documents) if document.strip())


def _without_secrets(before: str, after: str) -> tuple[str, str]:
    """Return both texts with Secrets named but not shown: a difference is often read where others read along."""
    sides = [
        {hidden: document.text for document in split(Source(name, text)) if (hidden := _secret(document))}
        for name, text in (("before", before), ("after", after))
    ]
    for name, text in sides[0].items():
        before = before.replace(text, f"---\n{name}\n")
    for name, text in sides[1].items():
        changed = "" if sides[0].get(name, text) == text else "# it changes\n"
        after = after.replace(text, f"---\n{name}\n{changed}")
    return before, after


def _secret(document: Document) -> str:
    """Return what is said instead of a Secret, or of a list that may hold one; "" for any other document."""
    if "Secret" not in document.text:
        return ""
    root = document.parse().root
    if not isinstance(root, Mapping):
        return ""
    kind, metadata = scalar_text(root, "kind") or "", root.get("metadata")
    if kind != "Secret" and not kind.endswith("List"):
        return ""
    name = scalar_text(metadata, "name") if isinstance(metadata, Mapping) else None
    return f"# {template_of(document)}: {kind}/{name or ''}, what it holds is not shown"
