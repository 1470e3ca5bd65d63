"""Every rule's documentation is true: what is said to pass passes, what to fail fails; and docs/rules.md is made of it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from sidecar_plugin.commands.check.rule import Rule, documentation, title
from sidecar_plugin.commands.check.rules import POD_RULES, RULES, STREAM_RULES
from sidecar_plugin.commands.check.rules.page import page
from sidecar_plugin.kubernetes import pod_rules, stream_rules
from tests.support.command import run

ROOT = Path(__file__).parents[3]
EXAMPLE = re.compile(r"^(Passes|Fails)(?: with (.+))?:\n\n((?:    .*\n|\n(?=    ))+)", re.MULTILINE)
MODULES = sorted(
    path.stem for path in (ROOT / "sidecar_plugin" / "commands" / "check" / "rules").glob("*.py") if path.stem not in ("page",)
)


def examples() -> Iterator[tuple[Rule, str, list[str], str]]:
    for rule in RULES.values():
        for verdict, options, text in EXAMPLE.findall(documentation(rule) + "\n"):
            yield rule, verdict, shlex.split(options), dedent(text)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: f"{example[0].ID}-{example[1]}")
def test_the_examples_of_the_documentation(example: tuple[Rule, str, list[str], str]) -> None:
    rule, verdict, options, text = example
    done = run("check", *options, "--select", rule.ID, "--strict", "-", stdin=text)
    assert (done.status, bool(done.stdout)) == ((0, False) if verdict == "Passes" else (1, True)), done


@pytest.mark.parametrize("example", [each for each in examples() if each[1] == "Passes"], ids=lambda example: example[0].ID)
def test_what_passes_breaks_no_other_rule_of_level_error(example: tuple[Rule, str, list[str], str]) -> None:
    done = run("check", *example[2], "-", stdin=example[3])
    assert done.status == 0, done.stdout.decode()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_a_file_with_documentation_and_four_constants(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", rule.ID)
    assert rule.__name__.rpartition(".")[2] == re.sub(r"[.-]", "_", rule.ID)
    assert rule.LEVEL in ("error", "warning")
    assert set(rule.NEEDS) <= {"version", "platform"}
    assert title(rule) and not title(rule).endswith(".")
    assert {verdict for each, verdict, _, _ in examples() if each is rule} == {"Passes", "Fails"}
    assert "\nSource: " in documentation(rule)


def test_inject_and_check_hold_pods_against_the_same_rules() -> None:
    listed = [rule.ID for rule in (*POD_RULES, *STREAM_RULES)]
    assert set(pod_rules.RULES) | set(stream_rules.NAMES.values()) <= set(listed)
    assert {rule.ID for rule in STREAM_RULES} == set(stream_rules.NAMES.values())


def test_every_file_of_a_rule_is_listed() -> None:
    listed = {rule.__name__.rpartition(".")[2] for rule in RULES.values()}
    assert listed == set(MODULES) - {"__init__", "__main__"}


def test_the_page_of_the_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == page(), "run: python -m sidecar_plugin.commands.check.rules"


def test_the_page_is_made_by_a_command(tmp_path: Path) -> None:
    before = (ROOT / "docs" / "rules.md").read_bytes()
    subprocess.run([sys.executable, "-m", "sidecar_plugin.commands.check.rules"], check=True)
    assert (ROOT / "docs" / "rules.md").read_bytes() == before
