"""The tables of docs/policy.md: each setting, rendered and written for each engine, is done or refused as the page says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import run
from tests.support.real_tools import ROOT

WAYS = {
    "rendering": (),
    "`admission-policy`": ("export-policy",),
    "`kyverno`": ("export-policy", "--engine", "kyverno"),
    "`sidecarset`": ("export-policy", "--engine", "sidecarset", "--engine-version", "1.9"),
}
OF_THE_SETTINGS = ("targets", "exclude", "declaration", "platform", "agents")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""


def rows() -> list[tuple[str, str, str]]:
    """Return each row's setting, with each of the ways and what the page says of it."""
    text = (ROOT / "docs" / "policy.md").read_text()
    tables = re.findall(r"\| rendering \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text)
    cells = [re.fullmatch(r"\| `(.*)` \| (\w+) \| (\w+) \| (\w+) \| (\w+) \|", line) for line in "".join(tables).splitlines()]
    return [(found[1], way, said) for found in cells if found for way, said in zip(WAYS, found.groups()[1:], strict=True)]


ROWS = rows()


def settings(setting: str) -> dict[str, Any]:
    """Return settings with one agent, and in them or in its template what a row says."""
    ((key, value),) = yaml.safe_load(setting).items()
    template: dict[str, Any] = {"container": {"name": "audit", "image": "audit:1"}}
    spec: dict[str, Any] = {"clusterVersion": "1.34", "platform": "kubernetes"}
    agent: dict[str, Any] = {"enabled": True}
    if key == "agents":
        agent |= value["audit"]
    elif key in OF_THE_SETTINGS:
        spec[key] = value
    elif key == "container":
        template[key] |= value
    else:
        template[key] = value
    agent["template"] = yaml.safe_dump(template)
    spec["agents"] = {"audit": agent}
    return {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": {"name": "agents"},
        "spec": spec,
    }


def test_the_page_has_rows() -> None:
    assert len(ROWS) == 4 * 30


@pytest.mark.parametrize(("setting", "way", "said"), ROWS)
def test_each_setting_is_done_or_refused_with_its_key(tmp_path: Path, setting: str, way: str, said: str) -> None:
    path = tmp_path / "sidecars.yaml"
    path.write_text(yaml.safe_dump(settings(setting)))
    done = run(*WAYS[way], "--config", str(path), stdin=DEPLOYMENT if way == "rendering" else "")
    key = next(iter(yaml.safe_load(setting)))
    place = {"platform": "declaration", "agents": "agents.audit"}.get(key, key if key in OF_THE_SETTINGS else "agents.audit")
    if said == "done":
        assert done.status == 0, done.stderr
        assert way == "rendering" or "audit" in done.stdout.decode()
    else:
        assert (done.status, done.stdout, said) == (1, b"", "refused")
        assert re.search(rf"error: .*\b{place}", done.stderr), done.stderr
