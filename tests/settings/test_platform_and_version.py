"""A cluster's version that names a vendor: an error where a source names another platform, else a warning."""

from pathlib import Path

import pytest

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import VENDORS
from tests.support.command import TEMPLATES, run

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "web:1"}]}}}
"""
JOB = (
    DEPLOYMENT.replace("apps/v1", "batch/v1")
    .replace("Deployment", "Job")
    .replace("{spec: {con", "{spec: {restartPolicy: Never, con")
)
AGENT = ("inject", "--report=none", "--templates", TEMPLATES, "--set", "agents.agent.enabled=true", "-")


@pytest.mark.parametrize(
    ("version", "platform"),
    [
        ("v1.30.1-gke.5", "acs"),
        ("v1.30.1-eks-1234567", "acs"),
        ("v1.30.1+k3s1", "acs"),
        ("v1.30.1+rke2r1", "acs"),
        ("v1.26.1-tke.3", "acs"),
        ("v1.28.7+vmware.1", "acs"),
        ("v1.30.1-aliyun.1", "fargate"),
        ("v1.30.1-gke.5", "fargate"),
        ("v1.30.1-eks-1234567", "autopilot"),
        ("v1.30.1+k3s1", "autopilot"),
        ("v1.30.1-eks-1234567", "aci"),
        ("v1.30.1-gke.5", "eci"),
        ("v1.30.1-aliyun.1", "bci"),
    ],
)
def test_a_contradiction_names_both_places_and_the_remedy(version: str, platform: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(f"sidecars:\n  platform: {platform}\n  clusterVersion: {version}\n")
    done = run(*AGENT, "--values", str(values), stdin=DEPLOYMENT)
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"sidecar-plugin: error: {values}:3:19: clusterVersion: ")
    assert f"platform {platform} ({values}:2:13)" in done.stderr
    assert "set platform: " in done.stderr


@pytest.mark.parametrize(
    ("version", "platform"),
    [
        ("v1.30.1-aliyun.1", "acs"),
        ("v1.30.1-aliyun.1", "eci"),
        ("v1.30.1+k3s1", "eci"),
        ("v1.30.1+rke2r1", "bci"),
        ("v1.30.1-eks-1234567", "fargate"),
        ("v1.30.1-gke.5", "autopilot"),
        ("v1.30.1", "acs"),
        ("1.30", "fargate"),
        ("v1.27.8+4fab27b", "acs"),
        *((f"v1.30.1-{vendor}.1", "kubernetes") for vendor in VENDORS),
    ],
)
def test_no_contradiction(version: str, platform: str) -> None:
    done = run(*AGENT, "--cluster-version", version, "--platform", platform, stdin=DEPLOYMENT)
    assert done.status == 0, done.stderr
    assert "is a version of" not in done.stderr


def test_the_platforms_that_a_message_names_take_the_version() -> None:
    for vendor in VENDORS:
        assert all(platforms.named(name).takes_vendor(vendor) for name in platforms.of_vendor(vendor))


def test_without_a_platform_the_default_is_named_once() -> None:
    done = run(*AGENT, "--cluster-version=v1.30.1-gke.5", stdin=f"{DEPLOYMENT}---\n{DEPLOYMENT}")
    assert done.status == 0
    assert done.stderr.count("no source names the platform, so it is acs") == 1
    assert "set platform: autopilot or kubernetes" in done.stderr
    assert run(*AGENT, "--strict", "--cluster-version=v1.30.1-gke.5", stdin=DEPLOYMENT).status == 1


def test_a_job_that_the_default_platform_would_keep_from_ending_is_refused() -> None:
    done = run(*AGENT, "--cluster-version=v1.28.1+k3s1", stdin=JOB)
    assert (done.status, done.stdout) == (1, b"")
    assert "<stdin>:1:1" in done.stderr
    assert "no source names the platform" in done.stderr


def test_nothing_is_said_where_nothing_is_injected() -> None:
    done = run("inject", "--report=none", "--cluster-version=v1.30.1-gke.5", "-", stdin=DEPLOYMENT)
    assert (done.status, done.stderr) == (0, "")


def test_a_version_that_only_helm_knows_is_held_too() -> None:
    settings = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {annotations: {sidecar-plugin.dev/kube-version: v1.30.1-eks-1234567}}
spec: {platform: acs}
---
"""
    done = run(*AGENT, stdin=settings + DEPLOYMENT)
    assert done.status == 1
    assert "Helm's .Capabilities.KubeVersion" in done.stderr
    assert "platform acs (<stdin>:4:18)" in done.stderr


def test_check_and_convert_hold_them_too(tmp_path: Path) -> None:
    manifest = tmp_path / "web.yaml"
    manifest.write_text(DEPLOYMENT)
    for command in (["check"], ["convert", "--to=native"]):
        done = run(*command, "--cluster-version=v1.30.1-gke.5", "--platform=acs", str(manifest))
        assert done.status == 1, done
        assert "is a version of Google Kubernetes Engine" in done.stderr
