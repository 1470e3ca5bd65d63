"""The manifests that agents bring: each once over all files of a run."""

from pathlib import Path

import pytest
import yaml

from sidecar_plugin.errors import ManifestError
from tests.support.command import run
from tests.support.injection import inject

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: app, image: x}]}\n"


def test_a_manifest_stands_in_the_first_file_that_needs_it_and_in_no_other(tmp_path: Path) -> None:
    template = "container: {name: a, image: x}\nmanifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: once}}]\n"
    (tmp_path / "template.yaml").write_text(template)
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.yaml").write_text(POD.replace("NAME", name))
    enabled = ("--set", "agents.a.enabled=true", "--set-file", f"agents.a.template={tmp_path / 'template.yaml'}")
    out = tmp_path / "out"
    done = run("inject", "--cluster-version=1.30", *enabled, "--output-dir", str(out), str(folder))
    assert done.status == 0, done.stderr
    held = [path.name for path in sorted(out.rglob("*.yaml")) if "kind: ConfigMap" in path.read_text()]
    assert held == ["one.yaml"]


BRINGS = "container: {name: a, image: x}\nmanifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: once}}]\n"


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_stream_without_a_last_line_break_keeps_that(ending: str) -> None:
    text = POD.rstrip("\n").replace("NAME", "one") + ending
    after = inject(text, agents={"a": {"enabled": True, "template": BRINGS}})
    assert [document["kind"] for document in yaml.safe_load_all(after)] == ["Pod", "ConfigMap"]
    assert after.endswith("\n") is bool(ending)


def test_a_block_scalar_that_ends_the_stream_is_refused() -> None:
    """A line break behind it would be one of its own."""
    text = POD.replace("NAME", "one") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata:\n  text: |\n    last"
    with pytest.raises(ManifestError, match="block scalar") as caught:
        inject(text, agents={"a": {"enabled": True, "template": BRINGS}})
    assert caught.value.place is not None
    assert caught.value.place.line == 11
