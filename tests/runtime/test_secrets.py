"""No difference shows what a Secret holds, whatever stands beside it."""

import json
import subprocess
from pathlib import Path

import pytest

from sidecar_plugin.commands.helm.diff import _without_secrets
from sidecar_plugin.runtime.diff import Side, unified
from tests.faults.process import POD, SETTINGS
from tests.support.command import run

SECRET = "apiVersion: v1\ndata: {password: aHVudGVyMg==}\nkind: Secret\nmetadata: {name: s}\n"
WITHOUT_VERSION = "data: {password: aHVudGVyMg==}\nkind: Secret\n"
PLAIN = "kind: Secret\nstringData:\n  password: |\n    aHVudGVyMg==\n"
LAST = "kind: Secret\nmetadata: {annotations: {last: aHVudGVyMg==}}\n"
LIST = "apiVersion: v1\nkind: List\nitems:\n"


def item(text: str) -> str:
    """Return a document's text as an item of a list."""
    return "".join(f"{'  ' if index else '- '}{line}" for index, line in enumerate(text.splitlines(True)))


JSON_LIST = {
    "kind": "List",
    "apiVersion": "v1",
    "items": [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w"}, "spec": {"containers": [{"name": "w", "image": "w"}]}},
        {"data": {"password": "aHVudGVyMg=="}, "kind": "Secret"},
    ],
}
PLACES = {
    "behind": f"{POD}---\n{SECRET}",
    "before": f"{SECRET}---\n{POD}",
    "before, stringData last": f"{PLAIN}---\n{POD}",
    "behind, data first": f"{POD}---\n{WITHOUT_VERSION}",
    "behind, stringData": f"{POD}---\n{PLAIN}",
    "behind, annotations": f"{POD}---\n{LAST}",
    "its kind with an escape": f"{POD}---\n" + SECRET.replace("Secret", '"\\x53ecret"'),
    "in a list": f"{LIST}{item(POD)}{item(SECRET)}",
    "in a list, before": f"{LIST}{item(PLAIN)}{item(POD)}",
    "in a list in JSON": json.dumps(JSON_LIST, indent=1) + "\n",
}


def difference(folder: Path, name: str, text: str) -> bytes:
    (folder / name).write_text(text)
    (folder / "settings.yaml").write_text(SETTINGS)
    done = run("inject", "--report", "none", "--diff", "--config", f"{folder}/settings.yaml", f"{folder}/{name}")
    assert done.status == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_a_neighbouring_secret_is_no_context_and_the_difference_applies(text: str, tmp_path: Path) -> None:
    shown = difference(tmp_path, "a.yaml", text)
    assert b"agent:1" in shown
    assert b"aHVudGVyMg==" not in shown
    subprocess.run(["git", "apply", "--unsafe-paths", "-p1"], input=shown, cwd="/", check=True, capture_output=True)
    whole = run("inject", "--report", "none", "--config", f"{tmp_path}/settings.yaml", "-", stdin=text.encode())
    assert (tmp_path / "a.yaml").read_bytes() == whole.stdout


@pytest.mark.parametrize(
    "text",
    [json.dumps(JSON_LIST) + "\n", f"{LIST}{item(POD)}- {json.dumps(JSON_LIST['items'][1])}\n"],
    ids=["changed itself", "data on its first line"],
)
def test_a_line_that_holds_a_secret_is_never_shown(text: str, tmp_path: Path) -> None:
    assert b"aHVudGVyMg==" not in difference(tmp_path, "a.yaml", text)


def secret(namespace: str, value: str, kind: str = "Secret") -> str:
    return f"---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: s, namespace: {namespace}}}\ndata: {{p: {value}}}\n"


RELEASES = {
    "the same name in two namespaces": (secret("a", "QQ") + secret("b", "UQ"), secret("a", "QQ") + secret("b", "WlpaWg")),
    "twice the same name": (secret("a", "QQ") + secret("a", "UQ"), secret("a", "QQ") + secret("a", "WlpaWg")),
    "an escaped kind": (secret("a", "QQ", '"\\u0053ecret"'), secret("a", "WlpaWg", '"\\u0053ecret"')),
    "a list": (f"---\n{LIST}{item(secret('a', 'QQ')[4:])}", f"---\n{LIST}{item(secret('a', 'WlpaWg')[4:])}"),
}


@pytest.mark.parametrize(("before", "after"), RELEASES.values(), ids=RELEASES)
def test_the_secrets_of_a_release_are_named_and_not_shown(before: str, after: str) -> None:
    shown, upgraded = _without_secrets(before, after)
    assert "+# it changes" in unified(Side("before", shown), Side("after", upgraded))
    assert not any(value in shown + upgraded for value in ("QQ", "UQ", "WlpaWg"))


def test_a_secret_that_stays_is_no_change() -> None:
    shown, upgraded = _without_secrets(secret("a", "QQ"), secret("a", "QQ"))
    assert shown == upgraded
