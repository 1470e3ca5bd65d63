"""What an API server tells a client before anything is created: its version and the resources it knows.

`helm install --dry-run=client` of Helm 3 and `--dry-run=server` of Helm 4 ask for this and for nothing more, so that no
cluster is needed to see where `.Capabilities.KubeVersion` comes from when a chart is installed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

RESOURCES = {
    "v1": {"configmaps": "ConfigMap", "services": "Service", "secrets": "Secret"},
    "apps/v1": {"deployments": "Deployment", "statefulsets": "StatefulSet"},
    "batch/v1": {"cronjobs": "CronJob", "jobs": "Job"},
}


def answers(git_version: str) -> dict[str, dict[str, object]]:
    """Return the body of each path that discovery reads."""
    groups = []
    found: dict[str, dict[str, object]] = {
        "/version": {"major": "1", "minor": git_version.split(".")[1], "gitVersion": git_version},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for group_version, resources in RESOURCES.items():
        group, _, version = group_version.rpartition("/")
        if group:
            served = {"groupVersion": group_version, "version": version}
            groups.append({"name": group, "versions": [served], "preferredVersion": served})
        found[f"/apis/{group_version}" if group else f"/api/{version}"] = {
            "kind": "APIResourceList",
            "groupVersion": group_version,
            "resources": [
                {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "list", "create"]}
                for name, kind in resources.items()
            ],
        }
    return found


@contextmanager
def cluster(git_version: str) -> Iterator[str]:
    """Serve discovery as a cluster of this version does, and yield the server's address."""
    bodies = {path: json.dumps(body).encode() for path, body in answers(git_version).items()}
    nothing = json.dumps({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path.partition("?")[0])
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body or nothing)

        def log_message(self, *_: object) -> None:
            """Say nothing for each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
