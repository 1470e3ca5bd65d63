"""`inject --diff` against what another version of the plugin wrote: it says which workloads' pods would be rolled."""

import json
from pathlib import Path

from tests.support.command import SETTINGS, run

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {0}}}
spec:
  selector: {{matchLabels: {{app: {0}}}}}
  template:
    metadata: {{labels: {{app: {0}}}}}
    spec:
      containers:
      - name: app
        image: {0}:1
"""
OPTED_OUT = POD.replace(
    "metadata: {{name: {0}}}", 'metadata: {{name: {0}, annotations: {{sidecar-plugin.dev/inject: "false"}}}}'
)
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n"


def notes(source: str, *words: str) -> dict[str, str]:
    """Return the note of each workload in the report of `inject --diff`."""
    done = run("inject", "--diff", "--report=json", *SETTINGS, *words, "-", stdin=source)
    assert done.status == 0, done.stderr
    return {each["name"]: each["note"] for each in json.loads(done.stderr)["workloads"]}


def there(*names: str) -> str:
    """Return what this version writes for some Deployments, between documents that it leaves alone."""
    source = "---\n".join((SERVICE, *map(POD.format, names), OPTED_OUT.format("out"), SERVICE))
    return run("inject", *SETTINGS, "-", stdin=source).stdout.decode()


def test_the_same_version_rolls_nothing() -> None:
    assert notes(there("web", "api")) == {"web": "pods unchanged", "api": "pods unchanged", "out": ""}


def test_an_earlier_version_that_wrote_something_else_is_rolled_alone() -> None:
    source = there("web", "api", "shop")
    before, name, after = source.partition("name: api")
    older = before + name + after.replace("  - name: agent", "  - name: agent  # of an earlier version", 1)
    assert notes(older) == {"web": "pods unchanged", "api": "pods change", "shop": "pods unchanged", "out": ""}


def test_agents_that_come_and_go_change_pods() -> None:
    bare = "---\n".join(map(POD.format, ("web", "api")))
    assert notes(bare) == {"web": "pods change", "api": "pods change"}
    gone = "variable AGENT of app; mount /shared of app; volume shared; annotation agent; label by"
    assert notes(there("web"), "--set", "agents.agent.enabled=false") == {"web": f"{gone}; pods change", "out": ""}


def test_each_file_of_a_folder_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(POD.format("new"))
    (tmp_path / "old.yaml").write_text(there("web", "api"))
    done = run("inject", "--diff", *SETTINGS, str(tmp_path))
    lines = {line.split()[0]: line for line in done.stderr.splitlines() if line.startswith("Deployment/")}
    assert lines["Deployment/new"].endswith("pods change")
    assert lines["Deployment/web"].endswith("pods unchanged")
    assert lines["Deployment/api"].endswith("pods unchanged")
