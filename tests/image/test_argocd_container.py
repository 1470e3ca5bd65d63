"""The container of the Argo CD recipe: its image, run as its patch says, answers the real repo server."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.image.conftest import IMAGE, Podman
from tests.support.argocd import RECIPE, argo_cd
from tests.support.real_tools import Shell, environment, tool

ARGOCD_IMAGE = "localhost/argocd-sidecars:tested"


@pytest.fixture
def image(podman: Podman, tmp_path: Path) -> str:
    """The image of the recipe's Containerfile, with Helm 3."""
    (tmp_path / "Containerfile").write_text(RECIPE["Containerfile"].replace("localhost/sidecar-plugin:0.1.0", IMAGE))
    shutil.copy(tool("helm3"), tmp_path / "helm")
    podman.output("build", "--quiet", "--pull=never", "--isolation=chroot", f"--tag={ARGOCD_IMAGE}", str(tmp_path))
    return ARGOCD_IMAGE


def test_it_renders_applications_for_the_repo_server(podman: Podman, image: str, tmp_path: Path) -> None:
    folder = tmp_path / "argocd"
    folder.mkdir()
    pod = yaml.safe_load(RECIPE["repo-server.yaml"])["spec"]["template"]["spec"]
    [container] = pod["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    # The volumes, as they are on a node.
    binaries = folder / "var-files"
    binaries.mkdir()
    shutil.copy(tool("argocd"), binaries / "argocd-cmp-server")
    volumes = {"var-files": binaries, "plugins": folder / "plugins", "sidecars-plugin": folder / "config"}
    mounts = [
        f"--volume={volumes[mount['name']] / mount.get('subPath', '')}:{mount['mountPath']}"
        for mount in container["volumeMounts"]
        if mount["name"] in volumes
    ]
    [scratch] = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] not in volumes]
    command = [
        *("podman", "run", "--name=plugin", "--pull=never", "--network=none", f"--user={security['runAsUser']}"),
        *("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges"),
        *mounts,
        f"--tmpfs={scratch}",
        *(f"--env={one['name']}={one['value']}" for one in container["env"]),
        f"--entrypoint={container['command'][0]}",
        image,
    ]
    (folder / "plugins").mkdir()
    (folder / "plugins").chmod(0o777)  # in the pod both servers run as one user
    shell = Shell({**environment(tmp_path), **podman.environment}, folder)
    try:
        with argo_cd(shell, command) as argocd:
            done = argocd.manifests()
            assert done.status == 0, done.stderr
            kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
            assert sorted(kinds) == ["ConfigMap", "CronJob", "Deployment", "Job", "Service"]
            assert done.stdout.count('"restartPolicy":"Always"') == 3
            argocd.commit("web/values.yaml", "agents:", "declaration: native\n  agents:")
            done = argocd.manifests(version="v1.28.9")
            assert "the declaration native needs Kubernetes 1.29 or later, the cluster is 1.28" in done.stderr
    finally:
        podman.run("rm", "--force", "plugin")
