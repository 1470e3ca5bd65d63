"""What belongs to one workload has its name, and is there when its pods start."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from tests.support.command import run

SETTINGS = "agents.logging.enabled=true,agents.logging.configuration=configMap,agents.monitoring.enabled=true"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
"""


def workload(kind: str, name: str, annotations: str = "{}") -> str:
    version = "batch/v1" if kind == "Job" else "apps/v1"
    policy = "restartPolicy: Never, " if kind == "Job" else ""
    return (
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, annotations: {annotations}}}\n"
        f"spec: {{template: {{spec: {{{policy}containers: [{{name: a, image: a}}]}}}}}}\n"
    )


def injected(text: str, settings: str = SETTINGS) -> tuple[list[dict[str, Any]], str]:
    """Return the documents with the agents in them, and what was said; assert that uninject gives the text back."""
    done = run("--cluster-version=1.30", "--set", settings, stdin=text)
    assert done.status == 0, done.stderr
    assert run("uninject", "-", stdin=done.stdout).stdout.decode() == text
    again = run("--cluster-version=1.30", "--set", settings, stdin=done.stdout)
    assert again.stdout == done.stdout
    return list(yaml.safe_load_all(done.stdout)), done.stderr


def config_maps(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == "ConfigMap"}


def mounted(document: dict[str, Any]) -> list[str]:
    return [volume["configMap"]["name"] for volume in document["spec"]["template"]["spec"]["volumes"] if "configMap" in volume]


def test_each_workload_has_its_own_config_map() -> None:
    """Those of two releases in a namespace differ, as they have no workload in common."""
    kinds = [("Deployment", "web"), ("StatefulSet", "web"), ("Deployment", "api"), ("Deployment", "w" * 230)]
    documents, _ = injected("---\n".join(workload(*each) for each in kinds))
    maps = config_maps(documents)
    names = [mounted(document)[0] for document in documents[:4]]
    assert len(set(names)) == 4
    assert set(names) == set(maps)
    assert names[0].startswith("web-deployment-logging-sidecar-")
    assert all(len(name) <= 253 for name in names)
    assert len({str(one["data"]) for one in maps.values()}) == 1, "what is rendered is the same for all of them"
    assert all(set(one["metadata"]["annotations"]) == {"sidecar-plugin.dev/injected"} for one in maps.values())


def test_another_configuration_has_another_name() -> None:
    """A rollout replaces the ConfigMap and does not change the one that running pods mount."""
    before, after = (
        set(config_maps(injected(WEB, f"{SETTINGS},agents.logging.logLevel={level}")[0])) for level in ("info", "error")
    )
    assert not before & after


@pytest.mark.parametrize(
    ("annotations", "added"),
    [
        (
            '{"helm.sh/hook": "pre-install,pre-upgrade"}',
            {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-1"},
        ),
        (
            '{"helm.sh/hook": pre-install, "helm.sh/hook-weight": "-5", "helm.sh/hook-delete-policy": hook-succeeded}',
            {"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "-6", "helm.sh/hook-delete-policy": "hook-succeeded"},
        ),
        ('{"helm.sh/hook": test, "helm.sh/hook-weight": odd}', {"helm.sh/hook": "test", "helm.sh/hook-weight": "-1"}),
        (
            '{"argocd.argoproj.io/hook": PreSync, "argocd.argoproj.io/sync-wave": "-2"}',
            {"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/sync-wave": "-2"},
        ),
        ('{"argocd.argoproj.io/sync-wave": "-2"}', {"argocd.argoproj.io/sync-wave": "-2"}),
        ('{"helm.sh/hook-weight": "3"}', {}),
    ],
)
def test_the_config_map_of_a_hook_is_created_before_it(annotations: str, added: dict[str, str]) -> None:
    documents, said = injected(workload("Job", "migrate", annotations))
    [one] = config_maps(documents).values()
    assert {key: text for key, text in one["metadata"]["annotations"].items() if "sidecar-plugin" not in key} == added
    assert "waits" not in said


def test_names_are_never_too_long(tmp_path: Path) -> None:
    maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m" * 252 + end}, "immutable": True} for end in "ab"]
    config = tmp_path / "sidecars.yaml"
    template = yaml.safe_dump({"container": {"name": "x", "image": "x"}, "manifests": maps})
    spec = {"agents": {"mine": {"enabled": True, "template": template}}}
    config.write_text(yaml.safe_dump({"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "spec": spec}))
    done = run("--cluster-version=1.30", "--config", str(config), stdin=workload("Deployment", "web"))
    names = list(config_maps(list(yaml.safe_load_all(done.stdout))))
    assert [len(name) for name in names] == [253, 253]


@pytest.mark.parametrize("immutable", [True, False])
def test_only_what_is_immutable_belongs_to_the_workload(immutable: bool, tmp_path: Path) -> None:
    """Whatever names it in volumes and variables follows; a resource for all keeps its name, and is a warning for a hook."""
    template = f"""
      manifests:
      - {{apiVersion: v1, kind: Secret, metadata: {{name: s}}, immutable: {str(immutable).lower()}, stringData: {{k: v}}}}
      volumes:
      - {{name: a, secret: {{secretName: s}}}}
      - {{name: b, projected: {{sources: [{{secret: {{name: s}}}}, {{secret: {{name: other}}}}]}}}}
      applicationContainers: {{env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s, key: k}}}}}}]}}
      container: {{name: x, image: x, envFrom: [{{secretRef: {{name: s}}}}, {{configMapRef: {{name: s}}}}]}}
    """
    config = tmp_path / "sidecars.yaml"
    spec = {"agents": {"mine": {"enabled": True, "template": dedent(template)}}}
    config.write_text(yaml.safe_dump({"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "spec": spec}))
    text = workload("Job", "migrate", '{"helm.sh/hook": pre-install}')
    done = run("--cluster-version=1.30", "--config", str(config), stdin=text)
    assert done.status == 0, done.stderr
    job, secret = yaml.safe_load_all(done.stdout)
    name = "migrate-job-s" if immutable else "s"
    pod = job["spec"]["template"]["spec"]
    assert secret["metadata"]["name"] == name
    assert pod["volumes"][0]["secret"]["secretName"] == name
    assert [source["secret"]["name"] for source in pod["volumes"][1]["projected"]["sources"]] == [name, "other"]
    assert pod["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"] == name
    assert pod["initContainers"][0]["envFrom"] == [{"secretRef": {"name": name}}, {"configMapRef": {"name": "s"}}]
    assert ("waits for it" in done.stderr) is not immutable
