"""The built-in agent proxy with the Envoy of PyPI in a local image: real requests go through it, in and out of a pod."""

import json
from typing import Any

PROXY = ("image.repository=docker.io/local/envoy", "image.pullPolicy=Never", "drain.seconds=1")
SHOP = """
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{name: through-the-proxy, port: 80, targetPort: proxy-8080}, {name: direct, port: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      automountServiceAccountToken: false
      containers:
        - name: app
          image: docker.io/local/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, "mkdir -p /tmp/www; echo open >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"""
# The node routes a Service's address a moment after the pods behind it are ready; what it refuses until then reaches no proxy.
ASK = """tries=0
until curl --silent --max-time 5 http://$SHOP_SERVICE_HOST:%d/ || [ $((tries += 1)) = 60 ]; do sleep 1; done
"""


def access_log(cluster, space: str, pod: str) -> list[dict[str, Any]]:
    """Return what the proxy says of the requests it passed on."""
    lines = cluster.kubectl("logs", "-n", space, pod, "-c", "proxy").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_requests_go_through_the_proxy_into_a_deployment_and_out_of_a_job(cluster, space, shell, verify, client, envoy):
    def inject(manifest: str, *settings: str) -> None:
        (shell.folder / "in.yaml").write_text(manifest)
        words = [word for each in (*PROXY, *settings) for word in ("--set", f"agents.proxy.{each}")]
        injected = shell.output(
            "sidecar-plugin", "inject", "in.yaml", "--cluster-version=1.34", "--set=agents.proxy.enabled=true", *words
        )
        cluster.kubectl("apply", "-n", space, "-f-", stdin=injected)

    inject(SHOP)
    cluster.wait("deployment/shop", space, "condition=Available")
    # A request to the Service's port 80 ends at Envoy, which passes it on to the application.
    cluster.kubectl("apply", "-n", space, "-f-", stdin=json.dumps(client(ASK % 80)))
    cluster.wait("pod/client", space, "jsonpath={.status.phase}=Succeeded")
    assert cluster.kubectl("logs", "-n", space, "client") == "open\n"
    (shop,) = cluster.get("pods", "-n", space, "-l", "app=shop")["items"]
    (request,) = access_log(cluster, space, shop["metadata"]["name"])
    assert (request["method"], request["path"], request["status"]) == ("GET", "/", 200)

    # A Job's request to port 8080, where nothing is in front of the application, goes out through the Job's own Envoy.
    pod = client(ASK % 8080)
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "order"}, "spec": {"template": {"spec": pod["spec"]}}}
    inject(json.dumps(job), "egress.enabled=true")
    cluster.wait("job/order", space, "condition=Complete")
    status, report = verify(space, "--wait", "30s")
    assert status == 0, report
    (order,) = [each for each in report["agents"] if each["job"]]
    assert (order["agent"], order["declaration"], order["exitCode"]) == ("proxy", "native", 0)
    assert cluster.kubectl("logs", "-n", space, order["pod"], "-c", "client") == "open\n"
    (request,) = access_log(cluster, space, order["pod"])
    assert (request["method"], request["status"]) == ("GET", 200)
    assert len(access_log(cluster, space, shop["metadata"]["name"])) == 1
