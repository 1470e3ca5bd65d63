"""Images of agents that people run as sidecars, by which a plain container is known to be one though nothing declares it.

The end of an image's name without registry, tag and digest; each is the image that its project's own documentation names.
"""

import re
from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, application, strings, text
from sidecar_plugin.kubernetes.containers import Container
from sidecar_plugin.kubernetes.image_names import repository

KNOWN_AGENTS = {
    "fluent/fluent-bit": "Fluent Bit",
    "fluent/fluentd": "Fluentd",
    "fluent/fluentd-kubernetes-daemonset": "Fluentd",
    "beats/filebeat": "Filebeat",
    "timberio/vector": "Vector",
    "grafana/promtail": "Promtail",
    "grafana/alloy": "Grafana Alloy",
    "grafana/agent": "Grafana Agent",
    "otel/opentelemetry-collector": "OpenTelemetry Collector",
    "otel/opentelemetry-collector-contrib": "OpenTelemetry Collector",
    "otel/opentelemetry-collector-k8s": "OpenTelemetry Collector",
    "jaegertracing/jaeger-agent": "Jaeger agent",
    "datadog/agent": "Datadog agent",
    "datadoghq/agent": "Datadog agent",
    "prom/statsd-exporter": "StatsD exporter",
    "envoyproxy/envoy": "Envoy",
    "istio/proxyv2": "Istio proxy",
    "linkerd/proxy": "Linkerd proxy",
    "hashicorp/consul-dataplane": "Consul dataplane",
    "cloud-sql-connectors/cloud-sql-proxy": "Cloud SQL proxy",
    "cloudsql-docker/gce-proxy": "Cloud SQL proxy",
    "oauth2-proxy/oauth2-proxy": "OAuth2 Proxy",
    "xray/aws-xray-daemon": "AWS X-Ray daemon",
    "cloudwatch-agent/cloudwatch-agent": "CloudWatch agent",
}
_TOLD_TO_END = re.compile(r"quitquitquit|linkerd-await|/shutdown\b")
"""In the commands of a pod that tells its agent to end: the interfaces of Cloud SQL proxy, Envoy, Istio and Linkerd."""


def agent_of(image: str) -> str:
    """Return the name of the agent that the image is known to be, "" if it is none of them."""
    steps = repository(image).split("/")
    return KNOWN_AGENTS.get("/".join(steps[-2:]), "")


def plain_agents(subject: PodSubject, cluster: Cluster) -> Iterator[tuple[Container, str]]:
    """Yield the agents of a pod that are plain containers, and by what they are known.

    They were injected as `regular`, are of a known image beside another container (unless the application tells it to end),
    or are declared by `__IS_SIDECAR__` on a platform that is told not to be ACS.
    """
    for sidecar in subject.sidecars:
        if sidecar.declaration == "regular":
            yield sidecar.container, f"the injected agent {sidecar.agent}"
        elif sidecar.declaration == "acs" and cluster.platform not in (None, "acs"):
            yield sidecar.container, f"a plain one on platform {cluster.platform}"
    others = list(application(subject))
    words = (word for container in others for key in ("command", "args") for word in strings(container.node, key))
    if any(_TOLD_TO_END.search(word) for word in words):
        return
    for container in others:
        agent = agent_of(text(container.node, "image"))
        if agent and len(others) > 1:
            yield container, agent
