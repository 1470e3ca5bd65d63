"""What names in manifests hold reaches no terminal and no CI log raw: one table over commands and formats."""

import json
import re

import pytest

from tests.support.command import SETTINGS, run

HOSTILE = "x\x1b[31m\x9b2J\r\n ::error title=a::b ##[error]c ##vso[x]\u2028\u202e\x07"
STEERS = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
RAW = re.compile(rf"{STEERS}|^[ \t]*::error|##\[|##vso\[", re.MULTILINE)


def pod(kind: str = "Pod") -> str:
    name = json.dumps(HOSTILE)
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": HOSTILE, "namespace": HOSTILE, "annotations": {"a": HOSTILE}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {"name": HOSTILE, "image": HOSTILE, "env": [{"name": "__IS_SIDECAR__", "value": HOSTILE}]},
                    {"name": "b", "image": "fluent/fluent-bit:1", "restartPolicy": HOSTILE, "args": [name]},
                ],
            },
            "status": {"phase": HOSTILE, "reason": HOSTILE, "message": HOSTILE},
        }
    )


COMMANDS = [
    *(pytest.param(("check", "--format", form, "--cluster-version", "1.30", "--platform", "acs", "-"), id=f"check {form}")
      for form in ("text", "json", "sarif")),
    *(pytest.param(("verify", "--output", form, "-"), id=f"verify {form}") for form in ("text", "json")),
    *(pytest.param((*SETTINGS, "--report", form), id=f"filter {form}") for form in ("text", "json")),
    pytest.param(("inject", *SETTINGS, "--diff", "-"), id="inject --diff"),
    pytest.param(("inject", *SETTINGS, "--keep-going", "--diff", "-"), id="inject --keep-going"),
    pytest.param(("uninject", "--diff", "-"), id="uninject"),
    pytest.param(("convert", "--to", "native", "--diff", "-"), id="convert"),
    pytest.param(("from-daemonset", "-"), id="from-daemonset"),
    pytest.param(("inject", *SETTINGS, "--set", f"agents.{HOSTILE}.enabled=true", "-"), id="a setting"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("kind", ["Pod", "DaemonSet", HOSTILE, "::error file=x::y"])
def test_nothing_of_the_input_steers_a_terminal(words: tuple[str, ...], kind: str) -> None:
    done = run(*words, stdin=pod(kind))
    output = done.stdout.decode() if "--report" not in words else ""  # the filter's output is the manifest, byte for byte
    assert not RAW.search(output), repr(output)
    assert not RAW.search(done.stderr), repr(done.stderr)


def test_an_annotation_of_github_is_one_command() -> None:
    done = run("check", "--format", "github", "--cluster-version", "1.30", "--platform", "acs", "-", stdin=pod())
    lines = done.stdout.decode().splitlines()
    assert lines
    assert all(line.startswith(("::error file=<stdin>", "::warning file=<stdin>")) for line in lines), lines
