"""Asking a registry for the digest of an image.

Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md ("Pulling manifests") and
https://distribution.github.io/distribution/spec/auth/token/. An image for several architectures is an index of manifests: its
digest is asked for, so that every node finds its own.
"""

import base64
import hashlib
import json
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any, NamedTuple

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.runtime.registry_credentials import HUB, Credentials, config_file, credentials

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SECONDS = 30  # for one answer
_MOST = 4 * 1024**2  # bytes of a manifest, as registries limit it
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_HUB_HOST = "registry-1.docker.io"


class RegistryError(SidecarPluginError):
    """A registry that cannot be reached, refuses, or does not have the image."""


class Repository(NamedTuple):
    """A repository of images: its registry, `docker.io` for Docker Hub, and its path there."""

    registry: str
    path: str


class _Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def digest_of(repository: Repository, tag: str) -> str:
    """Return the digest of an image by its tag. Raises RegistryError and CredentialsError, with the remedy."""
    name = f"{repository.registry}/{repository.path}:{tag}"
    base = _base(repository.registry)
    url = f"{base}/v2/{urllib.parse.quote(repository.path)}/manifests/{urllib.parse.quote(tag)}"
    headers = {"Accept": ", ".join(_TYPES)}
    answer = _ask("HEAD", url, headers)
    if answer.status == 401:  # HTTP's number for it
        headers |= _authorization(repository, answer.headers.get("www-authenticate", ""), name)
        answer = _ask("HEAD", url, headers)
    _check(answer, repository, name)
    found = answer.headers.get("docker-content-digest", "")
    if not found:
        answer = _ask("GET", url, headers)
        _check(answer, repository, name)
        found = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
    if not DIGEST.fullmatch(found):
        raise RegistryError(f"{name}: the registry gives {found[:80]!a} for its digest, which is no sha256")
    return found


def _base(registry: str) -> str:
    """Return the address of a registry; one on this machine may speak plain HTTP, as for docker."""
    host = _HUB_HOST if registry == HUB else registry
    return f"{'http' if _is_local(host) and not _speaks_tls(host) else 'https'}://{host}"


def _is_local(host: str) -> bool:
    return re.fullmatch(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?", host) is not None


def _speaks_tls(host: str) -> bool:
    name, _, port = host.rpartition(":") if re.search(r":\d+\Z", host) else (host, "", "443")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whether it speaks TLS at all; _ask verifies
    try:
        with socket.create_connection((name.strip("[]"), int(port)), _SECONDS) as connection, context.wrap_socket(connection):
            return True
    except ssl.SSLError:
        return False
    except OSError:
        return True  # _ask says what is wrong


def _ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> _Answer:
    request = urllib.request.Request(url, body, method=method)  # noqa: S310  # http and https only, by _base and _token
    for name, value in headers.items():
        request.add_unredirected_header(name, value) if name == "Authorization" else request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return _Answer(answer.status, _lower(answer.headers), answer.read(_MOST))
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(error.code, _lower(error.headers), error.read(_MOST))
    except (OSError, HTTPException, ValueError) as error:
        raise RegistryError(_unreachable(url, error)) from None


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _unreachable(url: str, error: Exception) -> str:
    host = urllib.parse.urlsplit(url).netloc
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{host}: its certificate is not trusted ({cause.verify_message}); name its authority's file in SSL_CERT_FILE"
    return f"{host}: cannot be reached: {cause}; a proxy is taken from HTTPS_PROXY"


def _check(answer: _Answer, repository: Repository, name: str) -> None:
    status = answer.status
    if status == 200:
        return
    host = repository.registry
    if status in (401, 403):
        why = "the credentials in {} do not allow it" if credentials(host) else "{} has no credentials for it"
        raise RegistryError(f"{name}: the registry refuses: {why.format(config_file())}; run `docker login {host}`")
    if status == 404:
        raise RegistryError(f"{name}: the registry does not have it; copy it there, or correct the name")
    if status == 429:
        raise RegistryError(f"{name}: the registry takes no more requests for now; wait, or run `docker login {host}`")
    raise RegistryError(f"{name}: the registry answers with HTTP status {status}")


def _authorization(repository: Repository, challenge: str, name: str) -> dict[str, str]:
    """Return the header that answers a challenge, none without credentials. Raises RegistryError."""
    known = credentials(repository.registry)
    scheme = challenge.partition(" ")[0].lower()
    if scheme == "basic":
        return {"Authorization": _basic(known)} if known else {}
    if scheme != "bearer":
        raise RegistryError(f"{name}: the registry asks for {challenge[:80]!a}, and this program knows Basic and Bearer")
    return {"Authorization": f"Bearer {_token(repository, dict(_PARAMETER.findall(challenge)), known, name)}"}


def _basic(known: Credentials) -> str:
    return f"Basic {base64.b64encode(f'{known.user}:{known.password}'.encode()).decode()}"


def _token(repository: Repository, challenge: dict[str, str], known: Credentials | None, name: str) -> str:
    realm = challenge.get("realm", "")
    address = urllib.parse.urlsplit(realm)
    if address.scheme != "https" and not (address.scheme == "http" and _is_local(address.netloc)):
        raise RegistryError(f"{name}: the registry sends credentials to {realm[:200]!a}, which is no https address")
    asked = {"service": challenge.get("service", ""), "scope": f"repository:{repository.path}:pull"}
    if known and not known.user:
        form = {**asked, "grant_type": "refresh_token", "refresh_token": known.password, "client_id": "sidecar-plugin"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = _ask("POST", realm, headers, urllib.parse.urlencode(form).encode())
    else:
        question = "&" if address.query else "?"
        headers = {"Authorization": _basic(known)} if known else {}
        answer = _ask("GET", f"{realm}{question}{urllib.parse.urlencode(asked)}", headers)
    _check(answer, repository, name)
    try:
        data = json.loads(answer.body)
        return str(data.get("token") or data["access_token"])
    except (ValueError, KeyError, AttributeError):
        raise RegistryError(f"{name}: {address.netloc} gives no token") from None
