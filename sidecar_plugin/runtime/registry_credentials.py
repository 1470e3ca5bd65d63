"""Credentials for registries, as docker and podman keep them: `config.json`, and the credential helpers that it names.

Sources: https://docs.docker.com/reference/cli/docker/login/ ("Credential stores", "Credential helpers") and
https://github.com/docker/docker-credential-helpers#development (the protocol).
"""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from sidecar_plugin.errors import SidecarPluginError

HUB = "docker.io"
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", HUB)
_SECONDS = 30  # for a credential helper, which may ask a cloud


class CredentialsError(SidecarPluginError):
    """A configuration or a credential helper that cannot be used."""


class Credentials(NamedTuple):
    """A user and a password; or a refresh token, when `user` is ""."""

    user: str
    password: str


def config_file() -> Path:
    """Return docker's configuration: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def credentials(registry: str) -> Credentials | None:
    """Return the credentials for a registry (`docker.io` for Docker Hub), None for none. Raises CredentialsError."""
    path = config_file()
    config = _read(path)
    keys = (
        _HUB_KEYS
        if registry == HUB
        else (registry, f"https://{registry}", f"https://{registry}/v1/", f"https://{registry}/v2/")
    )
    helpers = _mapping(config.get("credHelpers"))
    for key in keys:
        if key in helpers:
            return _of_helper(str(helpers[key]), key, path)
    if (store := config.get("credsStore")) and (found := _of_helper(str(store), keys[0], path)):
        return found
    entries = _mapping(config.get("auths"))
    return next((found for key in keys if (found := _of_entry(_mapping(entries.get(key)), key, path))), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise CredentialsError(f"{path}: cannot be read as docker's configuration: {error}") from None
    return _mapping(data)


def _mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _of_entry(entry: dict[str, Any], key: str, path: Path) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials("", str(token))
    if auth := entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(auth), validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise CredentialsError(f'{path}: auths."{key}".auth is no base64 of USER:PASSWORD; run `docker login` again')
        return Credentials(user, password.rstrip("\0"))
    if entry.get("username") and entry.get("password"):
        return Credentials(str(entry["username"]), str(entry["password"]))
    return None


def _of_helper(name: str, key: str, path: Path) -> Credentials | None:
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run([program, "get"], input=key.encode(), capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except OSError as error:
        raise CredentialsError(f"{program}, which {path} names for {key}, cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CredentialsError(f"{program} has not answered in {_SECONDS} seconds for {key}") from None
    said = " ".join((done.stdout + done.stderr).decode(errors="replace").split())
    if done.returncode:
        if "credentials not found" in said:
            return None
        raise CredentialsError(f"{program} ended with {done.returncode} for {key}: {said[:200]}")
    try:
        answer = _mapping(json.loads(done.stdout))
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError):
        raise CredentialsError(f"{program} says for {key} what are no credentials") from None
    return Credentials("" if user == "<token>" else user, secret)
