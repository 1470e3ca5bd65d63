"""What is derived from something else in this repository is up to date, and the chart's schema says what the program says."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

import sidecar_plugin

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "charts" / "sidecar-injection" / "values.schema.json").read_text())


def test_derived_files_are_up_to_date() -> None:
    done = subprocess.run([ROOT / "tools" / "derive", "--check"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize(
    "path", ["plugin.yaml", *(f"helm-plugins/sidecar-helm{version}/plugin.yaml" for version in (3, 4))], ids=str
)
def test_there_is_one_version(path: str) -> None:
    assert yaml.safe_load((ROOT / path).read_text())["version"] == sidecar_plugin.__version__


def test_go_compiles_the_charts_patterns() -> None:
    """Helm refuses a chart whose schema has a look-around, which Go's regular expressions do not have."""
    assert not re.search(r"\(\?<?[=!]", json.dumps(SCHEMA))


def problems(values: Any) -> list[str]:
    """Return what the chart's schema has against values below `sidecars`."""
    return [f"{error.instance_path}: {error.kind.name}" for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(values)]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"clusterVersion": "", "agents": {}, "global": {"any": "thing"}},
        {"clusterVersion": "1.30", "platform": None, "declaration": "native", "targets": [{"kinds": ["Job"]}], "exclude": None},
        {"agents": {"logging": {"enabled": True, "logLevel": "debug", "fields": {"team": "shop"}}, "proxy": None}},
        {"agents": {"logging": {"image": {"tag": "5.0.0"}, "container": {"securityContext": {"runAsUser": 1000}}}}},
        {"agents": {"logging": {"image": {"tag": None}}}},
        {"agents": {"own": {"enabled": True, "anything": [1, {"goes": "here"}]}}},
        {"agents": {"logging": {"template": "container: {}", "a-value-of-mine": 1}}},
        {"agents": {"loging": {"enabled": True}}},
    ],
    ids=[
        "none",
        "empty",
        "spec",
        "values",
        "some-of-a-map",
        "null-removes",
        "own-agent",
        "own-template",
        "left-to-the-program",
    ],
)
def test_the_charts_schema_takes(values: dict[str, Any]) -> None:
    assert problems(values) == []


@pytest.mark.parametrize(
    "values",
    [
        {"platfrom": "acs"},
        {"platform": "moon"},
        {"agents": {"logging": {"enabled": "yes"}}},
        {"agents": {"logging": {"logLevl": "info"}}},
        {"agents": {"logging": {"logLevel": "loud"}}},
        {"agents": {"logging": {"image": {"tag": 5}}}},
        {"agents": {"proxy": {"position": "middle"}}},
        {"agents": {"Logging": {}}},
        {"targets": [{"kind": "Job"}]},
        {"agents": []},
    ],
    ids=lambda values: json.dumps(values),
)
def test_the_charts_schema_refuses(values: dict[str, Any]) -> None:
    assert problems(values)
