"""What holds for every manifest and every injection, tried on manifests of every style."""

import re
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.marker import INJECTED
from tests.support.injection import agents, inject, take_out
from tests.support.strategies import manifest_texts

SPECS = st.sampled_from(
    [
        agents("agent"),
        agents("other"),
        agents("agent", "other"),
        agents("agent", position="last"),
        agents("other", "agent", position="first"),
        agents("m"),
        {"clusterVersion": "1.28", **agents("agent", "other")},
        {"clusterVersion": "1.28", **agents("agent", position="first")},
    ]
)


def load(text: str) -> list[Any]:
    """Return the documents, every scalar as its text and every null as None."""

    class Loader(yaml.SafeLoader):
        pass

    nulls = [("tag:yaml.org,2002:null", re.compile("(?:~|null|Null|)$"))]
    Loader.yaml_implicit_resolvers = dict.fromkeys(("~", "n", "N", ""), nulls)
    return [document for document in yaml.load_all(text, Loader) if document is not None]


def pod_of(document: Any) -> Any:
    for step in {"Deployment": ["spec", "template"], "CronJob": ["spec", "jobTemplate", "spec", "template"]}.get(
        document["kind"], []
    ):
        document = document[step]
    return document


def without(document: Any, before: Any) -> Any:
    """Take the known additions out of loaded data; what is left must be what was there before."""
    if document["kind"] == "ConfigMap":
        return document
    pod, old = pod_of(document), pod_of(before)
    ours = {"agent", "other", "agent-init", "shared", "pull", "m"}
    for key in ("initContainers", "containers", "volumes", "imagePullSecrets"):
        if key in pod["spec"]:
            pod["spec"][key] = [item for item in pod["spec"][key] or () if item["name"] not in ours] or old["spec"].get(
                key, "gone"
            )
    for container, same in zip(pod["spec"]["containers"], old["spec"]["containers"], strict=True):
        for key, identity, gone in (("env", "name", "AGENT"), ("volumeMounts", "mountPath", "/shared")):
            if key in container:
                container[key] = [item for item in container[key] or () if item[identity] != gone] or same.get(key, "gone")
    metadata = pod["metadata"]
    for key, gone in (("annotations", {"agent", INJECTED}), ("labels", {"agent-label"})):
        if key in metadata:
            left = {name: value for name, value in (metadata[key] or {}).items() if name not in gone}
            metadata[key] = left or ((old.get("metadata") or {}).get(key, "gone"))
    pod["metadata"] = _pruned(metadata) or old.get("metadata", "gone")
    pod["spec"] = {**pod["spec"], "containers": [_pruned(container) for container in pod["spec"]["containers"]]}
    pod["spec"] = _pruned(pod["spec"])
    if pod["metadata"] == "gone":
        del pod["metadata"]
    return document


def _pruned(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value != "gone"}


def is_insertion_only(before: str, after: str) -> bool:
    rest = iter(after)
    return all(character in rest for character in before)


def injected_or_refused(text: str, spec: dict[str, Any]) -> str:
    """Inject; a refusal must name a place and is the end of the example."""
    try:
        return inject(text, **spec)
    except ManifestError as error:
        assert error.place is not None
        known = ("null in flow style", "without a line break", "JSON text cannot hold a second document")
        assert any(words in error.message for words in known), error
        assume(False)
        raise


SLOW = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much], deadline=None
)


@SLOW
@given(manifest_texts(), SPECS)
def test_nothing_of_the_input_is_lost_and_only_the_addition_is_new(text: str, spec: dict[str, Any]) -> None:
    after = injected_or_refused(text, spec)
    assert is_insertion_only(text, after)
    before_data = load(text)
    after_data = load(after)[: len(before_data)]
    assert [without(new, old) for new, old in zip(after_data, before_data, strict=True)] == before_data


@SLOW
@given(manifest_texts(), SPECS)
def test_inject_twice_is_inject_once(text: str, spec: dict[str, Any]) -> None:
    once = injected_or_refused(text, spec)
    assert inject(once, **spec) == once


@SLOW
@given(manifest_texts(), SPECS)
def test_uninject_gives_back_the_very_text(text: str, spec: dict[str, Any]) -> None:
    assert take_out(injected_or_refused(text, spec)) == text


@SLOW
@given(manifest_texts(), SPECS, SPECS)
def test_an_update_is_uninject_and_inject(text: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    wanted = injected_or_refused(text, second)
    assert inject(injected_or_refused(text, first), **second) == wanted
