"""`sidecar-plugin agents`: the list, one agent's values, and its examples, each of which works as it is printed."""

from pathlib import Path

import pytest

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands.agents import EXAMPLES
from tests.support.command import run

BUILT_IN = ("logging", "monitoring", "proxy")
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        ports: [{containerPort: 8080}]
        volumeMounts: [{name: log, mountPath: /srv/log}]
      volumes:
      - {name: log, emptyDir: {}}
"""


def examples() -> list[tuple[str, str]]:
    folders = AgentFolders(())
    texts = {agent: folders.folder(agent).read()[EXAMPLES] for agent in BUILT_IN}  # type: ignore[union-attr]
    return [
        (agent, line[2:].partition(":")[0])
        for agent, text in texts.items()
        for line in text.splitlines()
        if line.startswith("# ")
    ]


@pytest.mark.parametrize(("agent", "example"), examples())
@pytest.mark.parametrize("version", ["1.28", "1.30"])
def test_an_example_works_as_it_is_printed(tmp_path: Path, agent: str, example: str, version: str) -> None:
    printed = run("agents", agent, "--example", example)
    assert printed.status == 0, printed.stderr
    settings = tmp_path / "settings.yaml"
    settings.write_bytes(printed.stdout)
    words = ("--config", str(settings), "--cluster-version", version, "--platform", "kubernetes", "--strict")
    done = run(*words, stdin=WORKLOAD)
    assert done.status == 0, done.stderr
    assert f"Deployment/web  {agent}" in done.stderr


@pytest.mark.parametrize("agent", BUILT_IN)
def test_the_examples_are_listed_with_the_values(agent: str) -> None:
    shown = run("agents", agent).stdout.decode()
    for name in [example for owner, example in examples() if owner == agent]:
        assert f"\n    {name}: " in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("logging", "--example", "elasticsaerch"), 'did you mean "elasticsearch"?', id="misspelt"),
        pytest.param(("proxy", "--example", "nothing"), "there are tls, grpc, egress, tcp", id="unknown"),
        pytest.param(("--example", "tls"), "needs an agent", id="no agent"),
        pytest.param(("loging", "--example", "loki"), 'did you mean "logging"?', id="no such agent"),
    ],
)
def test_an_example_that_there_is_not(words: tuple[str, ...], message: str) -> None:
    done = run("agents", *words)
    assert (done.status, done.stdout) == (2, b"")
    assert message in done.stderr


def test_an_agent_without_examples_says_so(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "agent.yaml.j2").write_text("container: {name: own, image: own:1}\n")
    done = run("agents", "own", "--example", "any", "--templates", str(tmp_path))
    assert (done.status, done.stdout) == (2, b"")
    assert "it has none" in done.stderr
