"""What agents say they do is in the report: each note once, and none that could harm a terminal."""

import json

import pytest
import yaml

from tests.commands.test_agents import WORKLOAD
from tests.support.command import run

TEMPLATE = """\
container: {name: own, image: "own:1"}
notes: ["reads nothing", {{ ("for " ~ workload.name) | tojson }}, "\\e[31mred"]
"""


def workloads(number: int) -> str:
    return "---\n".join(WORKLOAD.replace("name: web}", f"name: web-{index}}}", 1) for index in range(number))


def settings(template: str) -> str:
    spec = {"agents": {"own": {"enabled": True, "template": template}}}
    head = {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "metadata": {"name": "agents"}}
    return yaml.safe_dump({**head, "spec": spec})


def report(number: int, *words: str, template: str = TEMPLATE) -> str:
    done = run("--cluster-version", "1.30", *words, stdin=f"{settings(template)}---\n{workloads(number)}")
    assert done.status == 0, done.stderr
    return done.stderr


def test_a_note_is_shown_once_for_all_workloads() -> None:
    said = report(2)
    assert said.count("own: reads nothing\n") == 1
    assert said.index("Deployment/web-1") < said.index("own: reads nothing\n")
    assert "\x1b" not in said


def test_of_many_notes_the_text_shows_some_and_json_all() -> None:
    said = report(9)
    assert said.count("\nown: ") == 5
    assert "7 notes more" in said
    notes = json.loads(report(9, "--report", "json"))["agents"]["own"]
    assert len(notes) == 11
    assert notes[:2] == ["reads nothing", "for web-0"]


def test_agents_without_notes_add_no_line() -> None:
    template = "container: {name: own, image: 'own:1'}"
    assert report(1, template=template).splitlines()[-1].startswith("Deployment/web-0")
    assert "agents" not in json.loads(report(1, "--report", "json", template=template))


LOGGING = "agents.logging.enabled=true"
LOKI = f"{LOGGING},agents.logging.output.type=loki,agents.logging.output.host=loki"


@pytest.mark.parametrize(
    ("platform", "chosen", "notes"),
    [
        pytest.param(
            "kubernetes", LOGGING, ["files /var/log/app/*.log, not standard output", "own standard output"], id="default"
        ),
        pytest.param("kubernetes", LOKI, ["not standard output", "sends records to loki loki:3100"], id="loki"),
        pytest.param("acs", LOKI, ["/var/log/app/*.log and standard output (the Stdout volume)"], id="standard output"),
        pytest.param("acs", LOGGING, ["not standard output, because its own output goes there"], id="its own output"),
        pytest.param("kubernetes", "agents.monitoring.enabled=true", ["scrapes nothing", "sends nothing on"], id="monitoring"),
        pytest.param("kubernetes", "agents.proxy.enabled=true", ["plus 10000; a Service goes past it"], id="proxy"),
    ],
)
def test_the_built_in_agents_say_what_they_see_and_where_they_send(platform: str, chosen: str, notes: list[str]) -> None:
    done = run("--cluster-version", "1.30", "--platform", platform, "--set", chosen, stdin=WORKLOAD)
    assert done.status == 0, done.stderr
    for note in notes:
        assert note in done.stderr
