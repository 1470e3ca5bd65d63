"""LimitRange, ResourceQuota and autoscalers in `check`: over all files of a run, agents or not."""

import json
from pathlib import Path

import pytest

from tests.support.command import run

QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: team, namespace: shop}\nspec: {hard: {requests.cpu: '1'}}\n"
LIMITS = (
    "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l, namespace: shop}\nspec: {limits: [{type: Pod, max: {cpu: 1}}]}\n"
)
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1", resources: {requests: {cpu: 400m}, limits: {cpu: LIMIT}}}
"""


def findings(folder: Path, **files: str) -> list[dict[str, object]]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    done = run("check", "--format", "json", str(folder))
    return [finding for finding in json.loads(done.stdout)["findings"] if finding["rule"] != "sidecar-without-limits"]


def deployment(replicas: int, limit: str = "500m") -> str:
    return DEPLOYMENT.replace("REPLICAS", str(replicas)).replace("LIMIT", limit)


def test_a_quota_of_another_file_is_compared_with_all_workloads(tmp_path: Path) -> None:
    [found] = findings(tmp_path, quota=QUOTA, web=deployment(3))
    assert (found["rule"], found["workload"], found["field"]) == ("resource-quota", "ResourceQuota/team", "spec.hard")
    assert str(found["file"]).endswith("quota.yaml")
    assert "1.2 cores" in str(found["message"])


def test_within_the_quota_nothing_is_found(tmp_path: Path) -> None:
    assert findings(tmp_path, quota=QUOTA, web=deployment(2)) == []


@pytest.mark.parametrize(("limit", "count"), [("2", 1), ("1", 0)])
def test_a_limit_range_of_another_file(tmp_path: Path, limit: str, count: int) -> None:
    found = findings(tmp_path, limits=LIMITS, web=deployment(1, limit))
    assert [one["rule"] for one in found] == ["limit-range"] * count


def test_a_comment_above_the_quota_takes_the_finding_away(tmp_path: Path) -> None:
    assert findings(tmp_path, quota=f"# sidecar-plugin: ignore resource-quota\n{QUOTA}", web=deployment(3)) == []


def test_a_file_that_cannot_be_read_does_not_hide_the_quota(tmp_path: Path) -> None:
    found = findings(tmp_path, bad="a: [\n", quota=QUOTA, web=deployment(3))
    assert sorted(str(one["rule"]) for one in found) == ["resource-quota", "unreadable"]
