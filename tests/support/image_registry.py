"""A real registry (CNCF Distribution, tools/bin/registry) and images in it: plain, by TLS, with a password, with tokens."""

import base64
import hashlib
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.real_tools import tool

USER, PASSWORD = "robot", "pa:ss word"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(
    folder: Path, data: Path, *, host: str = "localhost", tls: Path | None = None, auth: dict[str, Any] | None = None
) -> Iterator[str]:
    """Run a registry on the images below `data`, with the certificate of `tls` and a way to log in; give its address, with the
    name `host` for this machine."""
    port = _free_port()
    served: dict[str, Any] = {"addr": f"127.0.0.1:{port}"}
    if tls:
        served["tls"] = {"certificate": str(tls / "cert.pem"), "key": str(tls / "key.pem")}
    configuration = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(data)}},
        "http": served,
        **({"auth": auth} if auth else {}),
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(json.dumps(configuration))
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([tool("registry"), "serve", folder / "config.yml"], env=environment, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"the registry does not answer: {(folder / 'log').read_text()}")
        yield f"{host}:{port}"
    finally:
        server.terminate()
        server.wait(30)


def certificates(folder: Path, host: str = "localhost") -> Path:
    """Make an authority and a certificate of `host` in a folder: ca.pem, cert.pem, key.pem."""
    folder.mkdir(exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert(host)
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    chain = b"".join(one.bytes() for one in certificate.cert_chain_pems)
    (folder / "cert.pem").write_bytes(chain)
    return folder


def _call(method: str, url: str, body: bytes = b"", media_type: str = "application/octet-stream") -> Any:
    request = urllib.request.Request(url, body or None, {"Content-Type": media_type}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _push_blob(base: str, data: bytes) -> dict[str, Any]:
    location = _call("POST", f"{base}/blobs/uploads/")["Location"]
    question = "&" if "?" in location else "?"
    _call("PUT", f"{location}{question}digest={urllib.parse.quote(_digest(data))}", data)
    return {"digest": _digest(data), "size": len(data)}


def _push_manifest(base: str, reference: str, data: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(data).encode()
    _call("PUT", f"{base}/manifests/{reference or _digest(body)}", body, data["mediaType"])
    return {"mediaType": data["mediaType"], "digest": _digest(body), "size": len(body)}


def push_image(address: str, path: str, tag: str, *, docker: bool = False) -> str:
    """Push an image of one architecture to a registry without a password; return its digest."""
    base = f"http://{address}/v2/{path}"
    kinds = ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
    oci = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
    config, layer = kinds if docker else oci
    return str(
        _push_manifest(
            base,
            tag,
            {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST if docker else MANIFEST,
                "config": {"mediaType": config, **_push_blob(base, f'{{"architecture":"{tag}"}}'.encode())},
                "layers": [{"mediaType": layer, **_push_blob(base, f"{path} {tag}".encode())}],
            },
        )["digest"]
    )


def push_index(address: str, path: str, tag: str) -> str:
    """Push an image of two architectures; return the digest of its index."""
    base = f"http://{address}/v2/{path}"
    manifests = []
    for architecture in ("amd64", "arm64"):
        push_image(address, path, f"{tag}-{architecture}")
        body = urllib.request.urlopen(
            urllib.request.Request(f"{base}/manifests/{tag}-{architecture}", headers={"Accept": MANIFEST}), timeout=30
        ).read()
        platform = {"os": "linux", "architecture": architecture}
        manifests.append({"mediaType": MANIFEST, "digest": _digest(body), "size": len(body), "platform": platform})
    return str(_push_manifest(base, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})["digest"])


# --- tokens


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed_token(tls: Path, service: str, scope: str) -> str:
    """Return a token as Distribution takes them: a JWT, ES256, with the chain of certificates in it."""
    pem = (tls / "cert.pem").read_bytes()
    first = pem.split(b"-----END CERTIFICATE-----")[0].split(b"-----BEGIN CERTIFICATE-----")[1]
    header = {"typ": "JWT", "alg": "ES256", "x5c": [first.replace(b"\n", b"").decode()]}
    kind, name, actions = scope.split(":")
    now = int(time.time())
    claims = {"iss": "tests", "sub": USER, "aud": service, "exp": now + 300, "nbf": now - 60, "iat": now, "jti": "1"}
    claims["access"] = [{"type": kind, "name": name, "actions": actions.split(",")}]  # type: ignore[assignment]
    text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
    key = serialization.load_pem_private_key((tls / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class _Tokens(http.server.BaseHTTPRequestHandler):
    """Gives tokens to USER with PASSWORD, and for the refresh token `refresh`."""

    tls: Path

    def do_GET(self) -> None:
        expected = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self._answer("token" if self.headers.get("Authorization") == expected else "", asked)

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        is_known = form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == ["refresh"]
        self._answer("access_token" if is_known else "", form)

    def _answer(self, key: str, asked: dict[str, list[str]]) -> None:
        token = {key: _signed_token(self.tls, asked["service"][0], asked["scope"][0])} if key else {}
        body = json.dumps(token).encode()
        self.send_response(200 if key else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def token_server(tls: Path) -> Iterator[dict[str, Any]]:
    """Run a server of tokens; give the part of a registry's configuration that names it."""
    handler = type("Handler", (_Tokens,), {"tls": tls})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        realm = f"http://127.0.0.1:{server.server_port}/token"
        yield {"token": {"realm": realm, "service": "tests", "issuer": "tests", "rootcertbundle": str(tls / "ca.pem")}}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
