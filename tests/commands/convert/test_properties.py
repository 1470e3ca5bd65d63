"""What holds for every conversion, tried on sidecars written in every style."""

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from sidecar_plugin.commands.convert.converter import Converter, Request
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.declarations import CONVERTIBLE, DECLARATIONS, MARKS
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.yamledit.source import Source
from tests.injection.test_properties import SLOW, SPECS, injected_or_refused, load, pod_of
from tests.support.injection import agents, inject, take_out
from tests.support.strategies import manifest_texts, sidecar_specs

REFUSALS = (
    "write both in one style",
    "write it as a block list",
    "null in flow style",
    "cannot be filled as it is written",
    "cannot be re-indented",
    "cannot be converted safely",
    "would become init containers",
)
CONVERTED = st.sampled_from(CONVERTIBLE)
TEXTS = manifest_texts(sidecar_specs())
LOST = ("that order is lost", "that place is lost", "converting back writes", "to the byte")


def convert(text: str, to: str, *named: str) -> tuple[str, list[str]]:
    """Return the converted text and the warnings."""
    results = Results()
    converter = Converter(Request(to, None, "acs", frozenset(named)), WorkloadKinds(), results)
    return converter.convert(Source("in.yaml", text)), [warning.message for warning in results.warnings]


def converted_or_refused(text: str, to: str) -> tuple[str, list[str]]:
    """Convert; a refusal must name a place and a known reason, and is the end of the example."""
    try:
        return convert(text, to)
    except ManifestError as error:
        assert error.place is not None
        assert any(words in error.message for words in REFUSALS), error
        assume(False)
        raise


def declaration_of(container: dict[str, Any], is_init: bool) -> str:
    if is_init:
        return "native" if container.get("restartPolicy") == "Always" else ""
    names = {entry["name"] for entry in container.get("env") or ()}
    return next((name for name, declaration in DECLARATIONS.items() if names.issuperset(declaration.marks or [""])), "")


def expected(spec: dict[str, Any], to: str) -> dict[str, list[Any]]:
    """Return the lists that the conversion is to give, worked out on loaded data."""
    spec = copy.deepcopy(spec)
    lists: dict[str, list[Any]] = {"initContainers": [], "containers": []}
    moved = []
    for key in lists:
        for container in spec.get(key) or ():
            declared = declaration_of(container, key == "initContainers")
            if not declared or declared == to:
                lists[key].append(container)
            elif key == DECLARATIONS[to].list_name:
                lists[key].append(with_marks(without_marks(container, declared), to))
            else:
                moved.append(without_marks(container, declared))
    if to == "native":
        lists["initContainers"] = [*({**each, "restartPolicy": "Always"} for each in moved), *lists["initContainers"]]
    else:
        lists["containers"] += [with_marks(each, to) for each in moved]
    return lists


def with_marks(container: dict[str, Any], to: str) -> dict[str, Any]:
    added = [{"name": name, "value": value} for name, value in DECLARATIONS[to].variables.items()]
    return {**container, "env": [*added, *(container.get("env") or ())]}


def without_marks(container: dict[str, Any], declared: str) -> dict[str, Any]:
    plain = {key: value for key, value in container.items() if key != "restartPolicy"}
    if plain.get("env"):
        plain["env"] = [entry for entry in plain["env"] if entry["name"] not in DECLARATIONS[declared].variables]
    return plain


def normal(lists: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, and put the marks first."""
    tidy: dict[str, Any] = {}
    for key in ("initContainers", "containers"):
        tidy[key] = []
        for container in lists.get(key) or ():
            env = sorted(container.get("env") or (), key=lambda entry: entry["name"] not in MARKS)
            rest = {name: value for name, value in container.items() if name != "env"}
            tidy[key].append({**rest, "env": env} if env else rest)
    return tidy


def rest_of(document: Any) -> Any:
    """Return a loaded document without the lists of containers."""
    rest = copy.deepcopy(document)
    for key in ("initContainers", "containers"):
        pod_of(rest)["spec"].pop(key, None)
    return rest


@SLOW
@given(TEXTS, CONVERTED)
def test_the_containers_are_what_they_were_but_for_the_declaration(text: str, to: str) -> None:
    after, _ = converted_or_refused(text, to)
    for old, new in zip(load(text), load(after), strict=True):
        if old["kind"] == "ConfigMap":
            assert new == old
            continue
        assert normal(pod_of(new)["spec"]) == normal(expected(pod_of(old)["spec"], to))
        assert rest_of(new) == rest_of(old)


@SLOW
@given(TEXTS, st.sampled_from(["native", "acs", "eci"]))
def test_there_and_back_gives_the_very_text_or_a_warning_said_it_would_not(text: str, to: str) -> None:
    after, warnings = converted_or_refused(text, to)
    assume(after != text)
    mixed = "".join(load_declarations(text))
    back = mixed if mixed in ("acs", "eci") else "native"
    told = any(words in each for each in warnings for words in LOST)
    if not told and mixed in ("native", "acs", "eci"):
        assert convert(after, back)[0] == text


def load_declarations(text: str) -> set[str]:
    return {
        declaration_of(container, key == "initContainers")
        for document in load(text)
        if document["kind"] != "ConfigMap"
        for key in ("initContainers", "containers")
        for container in pod_of(document)["spec"].get(key) or ()
    } - {""}


@SLOW
@given(TEXTS, CONVERTED)
def test_converting_twice_is_converting_once(text: str, to: str) -> None:
    after, _ = converted_or_refused(text, to)
    assert convert(after, to)[0] == after


@SLOW
@given(manifest_texts(), SPECS | st.just({"clusterVersion": "1.28", **agents("other")}), CONVERTED)
def test_uninject_and_inject_are_exact_on_what_was_converted(text: str, spec: dict[str, Any], to: str) -> None:
    injected = injected_or_refused(text, spec)
    after, _ = converted_or_refused(injected, to)
    assert take_out(after) == text
    assert inject(after, **spec) == injected


@SLOW
@given(manifest_texts())
def test_a_converted_agent_is_the_one_that_inject_would_have_written(text: str) -> None:
    native, acs = agents("other"), {"clusterVersion": "1.28", **agents("other")}
    there, back = injected_or_refused(text, acs), injected_or_refused(text, native)
    assert converted_or_refused(back, "acs")[0] == there
