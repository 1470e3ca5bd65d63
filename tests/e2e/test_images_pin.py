"""`sidecar-plugin images --pin`, against a real registry: plain, by TLS, with a password and with tokens."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import image_registry
from tests.support.command import Run, run
from tests.support.image_registry import PASSWORD, USER

HTPASSWD = f"{USER}:$2b$05$5Ch0iBUg6QCe1/TCT1JYRe8KF7K./XnLhGeUU5XIJpnHNY3Fg.Bp.\n"
OWN = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: agents}
spec:
  clusterVersion: "1.30"
  platform: kubernetes
  agents:
    logging: {enabled: true}
    ours:
      enabled: true
      container: {image: "ghcr.io/example/ours:2"}
      template: |
        initContainers: [{name: prepare, image: busybox}]
        container: {name: ours, image: "docker.io/example/ours:1"}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: app, image: x}\n"
PATHS = {name: name.removeprefix("ghcr.io/") for name in ("fluent/fluent-bit:5.1.1", "busybox", "ghcr.io/example/ours:2")}


@dataclass(frozen=True, slots=True)
class Images:
    """The folder of a registry's data, and the digests of what is in it by the names that the agents give the images."""

    data: Path
    digests: dict[str, str]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The images of OWN below /mirror: an index, and two of one architecture, of OCI and of docker."""
    folder = tmp_path_factory.mktemp("registry")
    with image_registry.serving(folder, folder / "data") as address:
        digests = {
            "fluent/fluent-bit:5.1.1": image_registry.push_index(address, "mirror/fluent/fluent-bit", "5.1.1"),
            "busybox": image_registry.push_image(address, "mirror/busybox", "latest"),
            "ghcr.io/example/ours:2": image_registry.push_image(address, "mirror/example/ours", "2", docker=True),
        }
    return Images(folder / "data", digests)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of docker's configuration, empty."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> str:
    path = tmp_path / "sidecars.yaml"
    path.write_text(OWN)
    return str(path)


@pytest.fixture
def plain(images: Images, tmp_path: Path, docker: Path) -> Iterator[str]:
    """The registry without TLS and password."""
    with image_registry.serving(tmp_path / "registry", images.data) as address:
        yield address


def pin(settings: str, registry: str, *words: str) -> Run:
    return run("images", "--pin", "--config", settings, "--set", f"imageRegistry={registry}/mirror", *words)


def digests_of(done: Run) -> dict[str, str]:
    assert done.status == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    assert (found["kind"], list(found["spec"])) == ("SidecarInjection", ["imageDigests"])
    digests: dict[str, str] = found["spec"]["imageDigests"]
    return digests


def logged_in(docker: Path, registry: str, **entry: str) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (docker / "config.json").write_text(json.dumps({"auths": {registry: entry or {"auth": auth}}}))


def test_every_image_is_pinned_to_the_digest_of_its_index(settings: str, plain: str, images: Images, tmp_path: Path) -> None:
    done = pin(settings, plain)
    assert digests_of(done) == images.digests
    digests = tmp_path / "digests.yaml"
    digests.write_bytes(done.stdout)
    options = ("--config", settings, "--config", str(digests), "--set", f"imageRegistry={plain}/mirror")
    pod = yaml.safe_load(run(*options, "--report=none", stdin=POD).stdout)
    found = {each["image"] for each in pod["spec"]["initContainers"]}
    assert found == {
        f"{plain}/mirror/{PATHS[name].removesuffix(':latest')}@{digest}" for name, digest in images.digests.items()
    }
    assert pin(settings, plain, "--config", str(digests)).stdout == done.stdout


def test_names_and_json_have_the_digests_too(settings: str, plain: str, images: Images) -> None:
    names = pin(settings, plain, "-o", "names").stdout.decode().splitlines()
    assert names[0] == f"{plain}/mirror/fluent/fluent-bit:5.1.1@{images.digests['fluent/fluent-bit:5.1.1']}"
    rows = json.loads(pin(settings, plain, "-o", "json").stdout)["images"]
    assert {row["source"]: row["digest"] for row in rows} == images.digests


def test_an_image_that_an_agent_pins_itself_is_not_asked_for(plain: str, settings: str) -> None:
    digest = f"sha256:{'a' * 64}"
    done = run("images", "--pin", "--set", f"agents.logging.enabled=true,agents.logging.image.digest={digest}")
    assert (done.status, done.stdout) == (0, b"")


def test_by_tls_with_a_password(
    settings: str, images: Images, docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = image_registry.certificates(tmp_path / "tls")
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    with image_registry.serving(tmp_path / "registry", images.data, tls=tls, auth=auth) as address:
        untrusted = pin(settings, address)
        assert (untrusted.status, untrusted.stdout) == (1, b"")
        assert f"the agent logging: {address}: its certificate is not trusted" in untrusted.stderr
        assert "SSL_CERT_FILE" in untrusted.stderr
        monkeypatch.setenv("SSL_CERT_FILE", str(tls / "ca.pem"))
        anonymous = pin(settings, address)
        assert anonymous.status == 1
        assert f"{docker / 'config.json'} has no credentials for it; run `docker login {address}`" in anonymous.stderr
        logged_in(docker, address)
        assert digests_of(pin(settings, address)) == images.digests
        logged_in(docker, f"https://{address}/v1/", username=USER, password=PASSWORD)
        assert digests_of(pin(settings, address)) == images.digests
        logged_in(docker, address, username=USER, password="wrong")
        wrong = pin(settings, address)
        assert wrong.status == 1
        assert f"the credentials in {docker / 'config.json'} do not allow it; run `docker login {address}`" in wrong.stderr


def test_with_tokens(settings: str, images: Images, docker: Path, tmp_path: Path) -> None:
    tls = image_registry.certificates(tmp_path / "tls")
    with (
        image_registry.token_server(tls) as auth,
        image_registry.serving(tmp_path / "registry", images.data, auth=auth) as address,
    ):
        assert "has no credentials for it; run `docker login" in pin(settings, address).stderr
        logged_in(docker, address)
        assert digests_of(pin(settings, address)) == images.digests
        logged_in(docker, address, identitytoken="refresh")
        assert digests_of(pin(settings, address)) == images.digests
        logged_in(docker, address, identitytoken="old")
        assert "do not allow it; run `docker login" in pin(settings, address).stderr


HELPER = """\
#!/bin/sh
read -r server
[ "$1 $server" = "get {server}" ] || {{ echo "credentials not found in native keychain"; exit 1; }}
{answer}
"""


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_credential_helpers(
    settings: str, images: Images, docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    helper = tmp_path / "docker-credential-tests"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with image_registry.serving(tmp_path / "registry", images.data, auth=auth) as address:
        configuration: dict[str, Any] = {key: "tests" if key == "credsStore" else {address: "tests"}}
        (docker / "config.json").write_text(json.dumps(configuration))
        assert f"docker-credential-tests, which {docker / 'config.json'} names for {address}, cannot be run" in (
            pin(settings, address).stderr
        )
        for answer, said in (
            (f"""echo '{json.dumps({"Username": USER, "Secret": PASSWORD})}'""", ""),
            ("echo broken >&2; exit 2", f"docker-credential-tests ended with 2 for {address}: broken"),
            ("echo '{}'", f"docker-credential-tests says for {address} what are no credentials"),
        ):
            helper.write_text(HELPER.format(server=address, answer=answer))
            helper.chmod(0o755)
            done = pin(settings, address)
            assert said in done.stderr
            assert (done.status == 0) == (not said)
        helper.write_text(HELPER.format(server="another", answer="exit 1"))
        assert "no credentials for it" in pin(settings, address).stderr


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("{", "cannot be read as docker's configuration: "),
        (
            '{"auths": {"ADDRESS": {"auth": "???"}}}',
            'auths."ADDRESS".auth is no base64 of USER:PASSWORD; run `docker login` again',
        ),
        ('{"auths": {"ADDRESS": {"auth": "eA=="}}}', 'auths."ADDRESS".auth is no base64 of USER:PASSWORD'),
        ('{"auths": ["x"], "credHelpers": 1}', "has no credentials for it"),
    ],
)
def test_a_configuration_of_docker_that_cannot_be_used(
    settings: str, images: Images, docker: Path, tmp_path: Path, configuration: str, said: str
) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    with image_registry.serving(tmp_path / "registry", images.data, auth=auth) as address:
        (docker / "config.json").write_text(configuration.replace("ADDRESS", address))
        done = pin(settings, address)
    assert (done.status, done.stdout) == (1, b"")
    assert str(docker / "config.json") in done.stderr
    assert said.replace("ADDRESS", address) in done.stderr


def test_an_image_that_is_not_there_is_named_with_its_agent(settings: str, plain: str) -> None:
    done = run("images", "--pin", "--config", settings, "--set", f"imageRegistry={plain}/mirrors")
    assert (done.status, done.stdout) == (1, b"")
    name = f"{plain}/mirrors/fluent/fluent-bit:5.1.1"
    assert done.stderr == (
        f"sidecar-plugin: error: the agent logging: {name}: the registry does not have it; copy it there, or correct the name\n"
    )


def test_a_registry_that_is_not_there(settings: str, docker: Path) -> None:
    done = pin(settings, "localhost:9")
    assert (done.status, done.stdout) == (1, b"")
    assert "the agent logging: localhost:9: cannot be reached: " in done.stderr
