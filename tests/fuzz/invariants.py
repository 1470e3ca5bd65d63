"""What holds for every stream and every injection; a stream that is refused must say where and why."""

from typing import Any, NamedTuple

import ruamel.yaml

from sidecar_plugin.errors import SidecarPluginError
from tests.fuzz.oracle import Find, comparable, injected, load, pod_templates, without_markers
from tests.support.injection import TEMPLATES, agents, inject, take_out

SPECS: tuple[dict[str, Any], ...] = (
    agents("agent"),
    agents("other"),
    agents("agent", "other"),
    agents("agent", position="last"),
    agents("other", "agent", position="first"),
    agents("m"),
    {"clusterVersion": "1.28", **agents("agent", "other")},
    {"clusterVersion": "1.28", **agents("agent", position="first")},
)
BROUGHT = {name: load(text)[0] for name, text in TEMPLATES.items()}
REFUSALS = (
    "null in flow style",
    "is null and cannot be filled",
    "null behind an alias or a merge key",
    "ends the text without a line break",
    "JSON text cannot hold a second document",
    "is shared with other places through an alias",
    "has no value; write it as null",
    "a flow mapping without braces",
    "has no anchor before it",
    "not YAML",
)
"""What generated streams may be refused for."""


class Outcome(NamedTuple):
    """What became of one stream: `refused` says why it was, "" if it was not; `read` whether the oracle could read it."""

    refused: str
    read: bool


def check(
    text: str,
    spec: dict[str, Any],
    second: dict[str, Any],
    refusals: tuple[str, ...] = REFUSALS,
    oracle: bool = True,
    find: Find = pod_templates,
) -> Outcome:
    """Hold that all invariants are kept. Raises AssertionError.

    `second` is the spec of the update; `refusals` are the reasons that may be given ("" allows any); `oracle` says whether the
    meaning is compared too, and `find` finds the pod templates for it.
    """
    try:
        after = inject(text, **spec)
    except SidecarPluginError as error:
        assert error.place is not None, error.message
        assert any(words in error.message for words in refusals), error.message
        return Outcome(next(words for words in refusals if words in error.message) or "refused", False)
    assert is_insertion_only(text, after), "something of the input is lost"
    assert inject(after, **spec) == after, "a second run differs"
    assert take_out(after) == text, "uninject does not give the text back"
    try:
        updated = inject(text, **second)
    except SidecarPluginError:
        pass
    else:
        assert inject(after, **second) == updated, "an update is not uninject and inject"
    return Outcome("", oracle and means_the_same(text, after, spec, find))


def survives(text: str, spec: dict[str, Any]) -> str:
    """Hold that injection and its removal end in a result or in a refusal with a place; return which."""
    outcomes = []
    for change in (lambda: inject(text, **spec), lambda: take_out(text)):
        try:
            change()
            outcomes.append("held")
        except SidecarPluginError as error:
            assert error.place is not None, error.message
            outcomes.append("refused")
    return ", ".join(outcomes)


def is_insertion_only(before: str, after: str) -> bool:
    """Say whether `after` is `before` with characters put in."""
    position = 0
    for character in before:
        position = after.find(character, position) + 1
        if not position:
            return False
    return True


def means_the_same(text: str, after: str, spec: dict[str, Any], find: Find = pod_templates) -> bool:
    """Hold that what `after` says is what `text` says and exactly the addition; False if the oracle cannot read `text`."""
    try:
        before = load(text)
        wanted = injected(before, spec, BROUGHT, find)
    except (ruamel.yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError, RecursionError):
        return False  # the oracle reads YAML 1.2, and not all that libyaml takes; or this is no manifest to it
    got = without_markers(load(after), find)
    assert got == comparable(wanted), "the addition is not the intended one"
    return True
