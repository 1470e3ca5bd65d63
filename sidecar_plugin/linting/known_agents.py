"""Images of agents that people run as sidecars, by which a plain container is known to be one though nothing declares it.

The end of an image's name without registry, tag and digest; each is the image that its project's own documentation names.
"""

import re

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
_TAG = re.compile(r"(?:@[^/]*|:[^/:@]*(?:@[^/]*)?)\Z")


def agent_of(image: str) -> str:
    """Return the name of the agent that the image is known to be, "" if it is none of them."""
    steps = _TAG.sub("", image).split("/")
    return KNOWN_AGENTS.get("/".join(steps[-2:]), "")
