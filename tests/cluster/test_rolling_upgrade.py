"""An agent switched on, then off, while the application serves: every request of a client in the cluster is answered."""

import json
import time
from pathlib import Path

from tests.cluster.conftest import CHART
from tests.support.real_tools import Helm

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 15
      containers:
        - name: app
          image: docker.io/local/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, "mkdir -p /tmp/www; echo open >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
          # It serves on until all have heard that it is leaving.
          lifecycle: {preStop: {sleep: {seconds: 4}}}
"""
REQUESTS = """
# The Service's address is known here a moment before the node passes on what is sent to it.
until curl --silent --max-time 3 http://$SHOP_SERVICE_HOST/ || [ $((early += 1)) = 100 ]; do sleep 0.1; done
answered=0; failed=0; tries=0
while [ ! -e /tmp/stop ] && [ $tries -lt 3000 ]; do
  tries=$((tries + 1))
  if [ "$(curl --silent --show-error --max-time 3 http://$SHOP_SERVICE_HOST/ 2>/tmp/error)" = open ]; then
    answered=$((answered + 1))
  else
    failed=$((failed + 1)); echo "after $answered answers: $(cat /tmp/error)"
  fi
  echo "$answered $failed" >/tmp/now; mv /tmp/now /tmp/counts
  sleep 0.05
done
echo "done $answered $failed"
"""


def helm_runs(command: str, helm: Helm, chart: Path, *options: str) -> None:
    """Run Helm through the post-renderer, which has to succeed."""
    done = helm.run(command, chart, *options)
    assert done.status == 0, done.stderr


def test_no_request_is_lost_while_an_agent_comes_and_goes(cluster, space, helm4, verify, client):
    chart = helm4.shell.folder / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "templates" / "shop.yaml").write_text(SERVICE)
    for name in ("values.yaml", "templates/sidecars.yaml"):
        (chart / name).write_text((CHART / name).read_text())
    agent = "sidecars.agents.recorder.enabled"
    in_time = ("--namespace", space, "--wait", "--timeout", "90s")

    def agents() -> set[tuple[str, ...]]:
        """Return the native sidecars of each of the pods that stay."""
        pods = cluster.get("pods", "-n", space, "-l", "app=shop")["items"]
        stay = [pod["spec"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return {tuple(each["name"] for each in pod.get("initContainers", [])) for pod in stay}

    def counts() -> tuple[int, int]:
        """Return the requests that were answered and those that were not, so far."""
        answered, failed = cluster.kubectl("exec", "-n", space, "client", "--", "cat", "/tmp/counts").split()
        return int(answered), int(failed)

    helm_runs("install", helm4, chart, *in_time, "--set", f"{agent}=false")
    assert agents() == {()}
    cluster.kubectl("apply", "-n", space, "-f-", stdin=json.dumps(client(REQUESTS)))
    cluster.wait("pod/client", space, "condition=Ready")
    time.sleep(2)
    before = counts()

    helm_runs("upgrade", helm4, chart, *in_time, "--set", f"{agent}=true")
    assert agents() == {("recorder",)}
    with_agent = counts()
    status, report = verify(space, "--wait", "30s", "-l", "app=shop")
    assert status == 0, report

    helm_runs("upgrade", helm4, chart, *in_time, "--set", f"{agent}=false")
    assert agents() == {()}
    time.sleep(5)  # the last pods with an agent leave
    cluster.kubectl("exec", "-n", space, "client", "--", "touch", "/tmp/stop")
    cluster.wait("pod/client", space, "jsonpath={.status.phase}=Succeeded")
    log = cluster.kubectl("logs", "-n", space, "client").splitlines()
    done, answered, failed = log[-1].split()
    assert (done, failed) == ("done", "0"), log[-5:]
    assert int(answered) >= with_agent[0] + 20 >= before[0] + 40, "the client did not ask all the time"
