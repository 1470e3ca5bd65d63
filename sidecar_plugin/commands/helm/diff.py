"""`helm diff`: compare the deployed release with the manifests that an upgrade with the same arguments would give.

Both sides come from Helm (`helm get`, `helm upgrade --dry-run`). Secrets are named but their content is not shown. Hooks
run anew with each upgrade whether they differ or not, so they are left out unless they are asked for.
"""

import json
import os
import re
from typing import NamedTuple

from sidecar_plugin.commands.helm.program import Flags, Helm, HelmError, Line
from sidecar_plugin.commands.helm.values import schema_note
from sidecar_plugin.errors import one_line
from sidecar_plugin.kubernetes.origin import annotation, template_of
from sidecar_plugin.runtime.console import say
from sidecar_plugin.runtime.diff import Side, unified
from sidecar_plugin.runtime.secrets import may_hold_secret, secrets
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.nodes import Mapping
from sidecar_plugin.yamledit.source import Source


class Hooks(NamedTuple):
    """Which hooks are compared: tests, and the others."""

    tests: bool
    others: bool

    def among(self, text: str) -> str:
        """Return those of the documents of all hooks."""
        documents = split(Source("hooks", text)) if self.tests or self.others else ()
        return "".join(one.text for one in documents if (self.tests if _is_test(one) else self.others))


def changes(helm: Helm, line: Line, flags: Flags, given: list[str], environment: dict[str, str], key: str, hooks: Hooks) -> str:
    """Return the difference between the release as it is and as the flags that are given would make it. Raises HelmError."""
    before = _deployed(helm, line, flags, hooks)
    dry = [] if line.values("dry-run") else ["--dry-run=server"]
    install = [] if line.has("install") else ["--install"]
    try:
        after = _upgraded(helm, [*line.arguments, *given, *install, *dry], environment, hooks)
    except HelmError as error:
        raise HelmError(f"{error}{schema_note(line.arguments[-1], key)}", error.exit_status) from None
    before, after = _without_secrets(before, after)
    colour = [*line.values("color"), *line.values("colour"), os.environ.get("HELM_COLOR", "auto")][0]  # of Helm 4
    return unified(Side(f"release {line.arguments[0]}", before), Side("upgraded", after), colour)


def _is_test(document: Document) -> bool:
    root = document.parse().root
    events = annotation(root, "helm.sh/hook").split(",") if isinstance(root, Mapping) else ()
    return any(event.strip().partition("-")[0] == "test" for event in events)  # test-success too, of Helm 2


def _deployed(helm: Helm, line: Line, flags: Flags, hooks: Hooks) -> str:
    inherited = line.among(flags.inherited)
    try:
        shown = hooks.among(helm.output("get", "hooks", line.arguments[0], *inherited))
        return _joined(helm.output("get", "manifest", line.arguments[0], *inherited), shown)
    except HelmError as error:
        if "not found" in str(error):
            return ""  # everything is new
        raise


def _upgraded(helm: Helm, words: list[str], environment: dict[str, str], hooks: Hooks) -> str:
    done = helm.run("upgrade", "--output=json", *words, environment=environment, stdin=None)
    if done.returncode != 0:
        raise HelmError(done.stderr, 1)
    say(done.stderr)
    release = json.loads(done.stdout[done.stdout.index("{") :])
    all_hooks = "".join(f"---\n# Source: {hook['path']}\n{hook['manifest']}\n" for hook in release.get("hooks") or ())
    return _joined(release["manifest"], hooks.among(all_hooks))


def _joined(manifest: str, hooks: str) -> str:
    """Return the documents of a release, each ending with one line break and in the order of their names."""
    documents = re.split(r"^---[ \t]*\n", f"{manifest}\n---\n{hooks}", flags=re.MULTILINE)
    return "".join(f"---\n{document.strip()}\n" for document in sorted(documents) if document.strip())


def _without_secrets(before: str, after: str) -> tuple[str, str]:
    """Return both texts with Secrets named but not shown: a difference is often read where others read along."""
    sides = [
        [(_secret(document), document.text) for document in split(Source(*side))]
        for side in (("before", before), ("after", after))
    ]
    old, new = (_by_name(side) for side in sides)
    changed = {name for name in new if old.get(name, new[name]) != new[name]}
    shown, upgraded = (
        "".join(f"---\n{name}\n" + "# it changes\n" * (name in marked) if name else text for name, text in side)
        for side, marked in zip(sides, (set[str](), changed), strict=True)
    )
    return shown, upgraded


def _by_name(side: list[tuple[str, str]]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for name, text in side:
        if name:
            texts.setdefault(name, []).append(text)
    return texts


def _secret(document: Document) -> str:
    """Return what is shown in place of a document that holds a Secret, or may hold one as a list of another kind; else ""."""
    if not may_hold_secret(document.text):
        return ""
    root = document.parse().root
    if not isinstance(root, Mapping):
        return ""
    kind, metadata = scalar_text(root, "kind") or "", root.get("metadata")
    if not secrets(root) and not ("Secret" in document.text and kind.endswith("List")):
        return ""
    fields = (scalar_text(metadata, field) for field in ("namespace", "name")) if isinstance(metadata, Mapping) else ()
    path = "/".join(one_line(field) for field in (kind, *fields) if field)
    return f"# {template_of(document)}: {path}, what it holds is not shown"
