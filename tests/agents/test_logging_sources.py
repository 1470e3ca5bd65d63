"""The sources of the agent logging: what is mounted for them, and what is refused.

Whether the engines read them as they say is proven in tests/agent_programs.
"""

import json
from typing import Any

import pytest
import yaml

from tests.agents.test_built_in_agents import container_of, pod_of, refusal, stream
from tests.commands.test_agents import WORKLOAD
from tests.support.command import run

VOLUME = {"name": "data", "mountPath": "/data"}
SHARED = {"path": "/var/log/app/*.log"}


def pod_with(sources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the spec of the pods of a Deployment that has the volume `data`, with the agent."""
    settings, workload = yaml.safe_load_all(stream("logging", {"sources": sources}))
    workload["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    done = run("--report=none", stdin=yaml.safe_dump_all([settings, workload]))
    assert done.status == 0, done.stderr
    spec: dict[str, Any] = yaml.safe_load(done.stdout)["spec"]["template"]["spec"]
    return spec


def log_mounts(sources: list[dict[str, Any]]) -> dict[str, str]:
    """Return the volume at each place of the agent where files of sources are."""
    mounts = pod_with(sources)["initContainers"][0]["volumeMounts"]
    return {mount["mountPath"]: mount["name"] for mount in mounts if mount["name"] not in ("logging-config", "logging-buffer")}


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/var/log/app/*.log", "/var/log/app"),
        ("/var/log/app/", "/var/log/app"),
        ("/var/log/app/shop.log", "/var/log/app"),
        ("/var/log/app/*/*.log", "/var/log/app"),
        ("/var/log/app-[0-9]/*/x.log", "/var/log"),
        ("/logs/?.log", "/logs"),
    ],
)
def test_the_folder_of_a_path_is_mounted_into_the_agent_and_the_application(path: str, folder: str) -> None:
    assert log_mounts([{"path": path}]) == {folder: "logging-app-logs"}
    assert pod_with([{"path": path}])["containers"][0]["volumeMounts"] == [{"name": "logging-app-logs", "mountPath": folder}]


def test_folders_of_one_volume_are_mounted_once() -> None:
    inner = {"path": "/var/log/app/audit/*.json"}
    assert log_mounts([inner, SHARED, SHARED]) == {"/var/log/app": "logging-app-logs"}
    assert log_mounts([SHARED, {"path": "/srv/x/*.log"}]) == {
        "/var/log/app": "logging-app-logs",
        "/srv/x": "logging-app-logs-2",
    }
    own = [{"path": f"/data/{name}/*.log", "volume": VOLUME} for name in ("a", "b")]
    assert log_mounts([*own, SHARED]) == {"/data": "data", "/var/log/app": "logging-app-logs"}


def test_a_volume_of_the_pods_own_adds_nothing_to_the_application() -> None:
    pod = pod_with([{"path": "/data/*.log", "volume": VOLUME}])
    assert "volumeMounts" not in pod["containers"][0]
    assert [volume["name"] for volume in pod["volumes"]] == ["data", "logging-config", "logging-buffer"]


PATH = "a file, a glob or a folder with / at its end"
START = "a regular expression that both engines know"


@pytest.mark.parametrize(
    ("sources", "place", "words"),
    [
        (5, "", "must be a list"),
        ([{}], "[0]", '"path" is missing'),
        ([{"path": "var/log/*.log"}], "[0].path", PATH),
        ([{"path": "/*.log"}], "[0].path", PATH),
        ([{"path": "/*/a.log"}], "[0].path", PATH),
        ([{"path": "/dev/stdout"}], "[0].path", PATH),
        ([{"path": "/proc/1/fd/1"}], "[0].path", PATH),
        ([{"path": "/var/log/**/*.log"}], "[0].path", PATH),
        ([{"path": "/var/log/{a,b}.log"}], "[0].path", PATH),
        ([{"path": "/var/../etc/*.log"}], "[0].path", PATH),
        ([SHARED, {**SHARED, "format": "jsno"}], "[1].format", 'did you mean "json"?'),
        ([{**SHARED, "multilin": "java"}], "[0].multilin", 'did you mean "multiline"?'),
        ([{**SHARED, "multiline": "jaav"}], "[0].multiline", 'did you mean "java"?'),
        ([{**SHARED, "multiline": {"begin": "x"}}], "[0].multiline.begin", "known here: start"),
        ([{**SHARED, "multiline": {"start": "(a"}}], "[0].multiline.start", START),
        ([{**SHARED, "multiline": {"start": "(?!a)"}}], "[0].multiline.start", START),
        ([{**SHARED, "multiline": {"start": "(a)\\1"}}], "[0].multiline.start", START),
        ([{**SHARED, "multiline": {"start": "\\h"}}], "[0].multiline.start", START),
        ([{**SHARED, "multiline": {"start": "${A}"}}], "[0].multiline.start", START),
        ([{**SHARED, "multiline": {"start": "a++"}}], "[0].multiline.start", START),
        ([{**SHARED, "tag": "a b"}], "[0].tag", "a tag of letters"),
        ([{**SHARED, "fields": {"a": 1}}], "[0].fields.a", "must be a string"),
        ([{**SHARED, "volume": "data"}], "[0].volume", "must be a mapping"),
        ([{**SHARED, "volume": {"name": "data"}}], "[0].volume", '"mountPath" is missing'),
    ],
    ids=json.dumps,
)
def test_a_mistake_in_a_source_is_refused_at_its_place(sources: Any, place: str, words: str) -> None:
    said = refusal("logging", {"sources": sources})
    assert f"agents.logging.sources{place}: " in said
    assert words in said


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([{"path": "/var/log/app/*.log", "volume": VOLUME}], "/var/log/app/*.log is not below /data, where the volume data is"),
        ([{**SHARED, "exclude": ["/var/log/*.gz"]}], "/var/log/*.gz is not below /var/log/app"),
        ([{"path": "/data/a/*.log"}, {"path": "/data/b/*.log", "volume": VOLUME}], "are of different volumes"),
        ([{"path": "/data/b/*.log", "volume": VOLUME}, {"path": "/data/*.log"}], "are of different volumes"),
    ],
    ids=json.dumps,
)
def test_files_that_could_not_be_there_are_refused(sources: list[dict[str, Any]], words: str) -> None:
    assert words in refusal("logging", {"sources": sources})


def test_settings_of_new_volumes_are_refused_where_there_is_none() -> None:
    own = [{"path": "/data/*.log", "volume": VOLUME}]
    for change in ({"sizeLimit": "2Gi"}, {"initContainers": True}):
        assert "agents.logging.sharedFolders" in refusal("logging", {"sources": own, "sharedFolders": change})


RECEIVER = {"output": {"type": "http", "host": "logs"}}
OF_ROOT = {"stdout": {"asRoot": True}}
VOLUMES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "acs": ({}, {"emptyDir": {"medium": "Stdout"}}),
    "eci": (OF_ROOT, {"csi": {"driver": "stdlogplugin.csi.alibabacloud.com"}}),
    "bci": (OF_ROOT, {"flexVolume": {"driver": "k8s/sidecar-stdout"}}),
}


@pytest.mark.parametrize("platform", VOLUMES)
def test_standard_output_is_mounted_where_the_platform_offers_it(platform: str) -> None:
    values, volume = VOLUMES[platform]
    pod = pod_of("logging", {**RECEIVER, **values}, platform=platform)
    assert [one for one in pod["volumes"] if one["name"] == "logging-stdout"] == [{"name": "logging-stdout", **volume}]
    container = container_of("logging", {**RECEIVER, **values}, platform=platform)
    assert {"name": "logging-stdout", "mountPath": "/var/log/stdout", "readOnly": True} in container["volumeMounts"]
    user = container["securityContext"]["runAsUser"], container["securityContext"]["runAsNonRoot"]
    assert user == ((0, False) if values else (10001, True))
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("platform", "labels", "values", "note"),
    [
        ("acs", "", RECEIVER, "and standard output (the Stdout volume)"),
        ("acs", "", {}, "not standard output, because its own output goes there"),
        ("acs", "alibabacloud.com/compute-class: gpu-hpn", RECEIVER, "which GPU-HPN pods have in a volume of their own kind"),
        ("eci", "", RECEIVER, "not standard output, which only root can read here: set stdout.asRoot to true"),
        ("eci", "", {**RECEIVER, **OF_ROOT}, "and standard output (the platform's volume of it)"),
        ("fargate", "", RECEIVER, "an application that writes only there must write files in that folder"),
    ],
)
def test_the_report_says_whether_standard_output_is_read(platform: str, labels: str, values: Any, note: str) -> None:
    spec = {"clusterVersion": "1.30", "platform": platform, "agents": {"logging": {"enabled": True, **values}}}
    head = {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "metadata": {"name": "a"}, "spec": spec}
    workload = WORKLOAD.replace("labels: {", f"labels: {{{labels}, ") if labels else WORKLOAD
    done = run(stdin=f"{yaml.safe_dump(head)}---\n{workload}")
    assert done.status == 0, done.stderr
    assert note in done.stderr
    assert ("logging-stdout" in done.stdout.decode()) is (note.startswith("and standard output"))


def test_root_is_refused_where_standard_output_does_not_need_it() -> None:
    assert "stdout.asRoot has an effect on the platforms eci and bci only" in refusal("logging", OF_ROOT)
