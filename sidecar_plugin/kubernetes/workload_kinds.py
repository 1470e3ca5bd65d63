"""The kinds that hold pod templates: one table, one row per kind and group of paths.

To add a kind, add a row. A path is a field path from the root of the object to the pod template, the object whose `spec` has
`containers`: `[*]` stands for each item of a list, `.*` for each value of a map, the empty path for the object itself. Paths
were read from the CRD that `source` names; docs/workloads.md is generated from this table.

A row with `refused` is a kind in which a sidecar cannot be written as a pod template takes it: because another controller
computes the object, because the pods run elsewhere, or because the operator builds the pods itself. The text is the remedy.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sidecar_plugin.errors import SettingsError, did_you_mean

_API = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/"
_CATALOG = "https://github.com/datreeio/CRDs-catalog/tree/main/"
_KRUISE = "https://github.com/openkruise/kruise/tree/master/config/crd/bases"
_RAY = "https://github.com/ray-project/kuberay/tree/master/helm-chart/kuberay-operator/crds"
_VOLCANO = "https://github.com/volcano-sh/volcano/tree/master/config/crd"
_SPARK = "https://github.com/kubeflow/spark-operator/tree/master/config/crd/bases"
_TRAINER = "https://github.com/kubeflow/trainer/tree/master/manifests/base/crds"
_TRAINING = "https://github.com/kubeflow/trainer/tree/release-1.9/manifests/base/crds"
_ELASTIC = "https://github.com/elastic/cloud-on-k8s/tree/main/config/crds"
_AGONES = "https://github.com/googleforgames/agones/blob/main/install/yaml/install.yaml"
_ALTINITY = "https://github.com/Altinity/clickhouse-operator/blob/master/deploy/operator/parts/crd.yaml"
_LWS = "https://github.com/kubernetes-sigs/lws/tree/main/config/crd/bases"
_JOBSET = "https://github.com/kubernetes-sigs/jobset/tree/main/config/components/crd/bases"
_EVENTING = "https://knative.dev/docs/eventing/custom-event-source/containersource/"

STEP = r"[A-Za-z0-9_-]+(?:\[\*\])?|\*"
_PATH = re.compile(rf"(?:(?:{STEP})(?:\.(?:{STEP}))*)?")
_GROUP = re.compile(r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*)?")


class WorkloadKind(NamedTuple):
    """Some paths of one kind to pod templates. `completes`: their pods end by themselves, as a Job's do."""

    group: str
    kind: str
    paths: tuple[str, ...]
    source: str
    completes: bool = False
    refused: str = ""


def _row(
    group: str, kind: str, *paths: str, source: str = _CATALOG, completes: bool = False, refused: str = ""
) -> WorkloadKind:
    return WorkloadKind(group, kind, paths, source + group if source is _CATALOG else source, completes, refused)


_KNATIVE = (
    "Knative accepts no init container with restartPolicy; write the agent as a second container of the service's own template "
    "(https://knative.dev/docs/serving/services/), or exclude it"
)
_WORKFLOW = (
    "a step of Argo Workflows is not a pod template; use `sidecars` of the step or podSpecPatch of the workflow, or exclude it"
)
_PROMETHEUS = (
    "the Prometheus Operator builds these pods; add the agent to spec.containers and spec.volumes by hand, or exclude it"
)
_CLOUD_RUN = "its containers run outside the cluster; exclude it"
_POSTGRES = "the operator builds these pods; use the operator's own sidecars (spec.instances[*].containers), or exclude it"
_CLUSTER_API = "it overrides the operator's own Deployment; inject into the provider's components, or exclude it"
_KSERVE = "KServe builds these pods; add the agent to the containers of a ServingRuntime by hand, or exclude it"
_BARE_SPEC = "it holds a pod spec without metadata, so what was injected could not be recorded; exclude it"
_DEPLOYMENT_CONFIG = (
    "OpenShift deprecates it since 4.14; make it a Deployment, or name it under workloads (podTemplate: spec.template), or "
    "exclude it"
)
_OWN_PODS = "the operator builds these pods and merges this part into them; add the agent by hand, or exclude it"

TABLE: tuple[WorkloadKind, ...] = (
    _row("", "Pod", "", source=_API),
    _row("", "PodTemplate", "template", source=_API),
    _row("", "ReplicationController", "spec.template", source=_API),
    _row("apps", "Deployment", "spec.template", source=_API),
    _row("apps", "StatefulSet", "spec.template", source=_API),
    _row("apps", "DaemonSet", "spec.template", source=_API),
    _row("apps", "ReplicaSet", "spec.template", source=_API),
    _row("batch", "Job", "spec.template", source=_API, completes=True),
    _row("batch", "CronJob", "spec.jobTemplate.spec.template", source=_API, completes=True),
    _row("extensions", "Deployment", "spec.template", source=_API),
    _row("extensions", "DaemonSet", "spec.template", source=_API),
    _row("extensions", "ReplicaSet", "spec.template", source=_API),
    _row("extensions", "Job", "spec.template", source=_API, completes=True),
    # Actions Runner Controller
    _row("actions.github.com", "AutoscalingRunnerSet", "spec.template", completes=True),
    _row("actions.github.com", "AutoscalingRunnerSet", "spec.listenerTemplate"),
    _row("actions.github.com", "AutoscalingListener", "spec.template"),
    _row("actions.github.com", "EphemeralRunner", "spec", completes=True),
    _row("actions.github.com", "EphemeralRunnerSet", "spec.ephemeralRunnerSpec", completes=True),
    _row("actions.summerwind.dev", "Runner", refused=_OWN_PODS),
    _row("actions.summerwind.dev", "RunnerDeployment", refused=_OWN_PODS),
    _row("actions.summerwind.dev", "RunnerReplicaSet", refused=_OWN_PODS),
    _row("actions.summerwind.dev", "RunnerSet", "spec.template"),
    # Agones
    _row("agones.dev", "Fleet", "spec.template.spec.template", source=_AGONES),
    _row("agones.dev", "GameServer", "spec.template", source=_AGONES),
    _row("agones.dev", "GameServerSet", "spec.template.spec.template", source=_AGONES),
    # Argo
    _row("argoproj.io", "Rollout", "spec.template"),
    _row("argoproj.io", "Experiment", "spec.templates[*].template"),
    _row("argoproj.io", "AnalysisRun", "spec.metrics[*].provider.job.spec.template", completes=True),
    _row("argoproj.io", "AnalysisTemplate", "spec.metrics[*].provider.job.spec.template", completes=True),
    _row("argoproj.io", "ClusterAnalysisTemplate", "spec.metrics[*].provider.job.spec.template", completes=True),
    _row("argoproj.io", "Workflow", refused=_WORKFLOW),
    _row("argoproj.io", "WorkflowTemplate", refused=_WORKFLOW),
    _row("argoproj.io", "ClusterWorkflowTemplate", refused=_WORKFLOW),
    _row("argoproj.io", "CronWorkflow", refused=_WORKFLOW),
    _row("argoproj.io", "WorkflowTaskSet", refused=_WORKFLOW),
    # Azure Service Operator and Config Connector: containers of the cloud
    _row("app.azure.com", "ContainerApp", refused=_CLOUD_RUN),
    _row("app.azure.com", "Job", refused=_CLOUD_RUN),
    _row("containerinstance.azure.com", "ContainerGroup", refused=_CLOUD_RUN),
    _row("run.cnrm.cloud.google.com", "RunJob", refused=_CLOUD_RUN),
    _row("run.cnrm.cloud.google.com", "RunService", refused=_CLOUD_RUN),
    # Elastic Cloud on Kubernetes
    _row("agent.k8s.elastic.co", "Agent", "spec.daemonSet.podTemplate", source=_ELASTIC),
    _row("agent.k8s.elastic.co", "Agent", "spec.deployment.podTemplate", "spec.statefulSet.podTemplate", source=_ELASTIC),
    _row("apm.k8s.elastic.co", "ApmServer", "spec.podTemplate", source=_ELASTIC),
    _row("autoops.k8s.elastic.co", "AutoOpsAgentPolicy", "spec.podTemplate", source=_ELASTIC),
    _row("beat.k8s.elastic.co", "Beat", "spec.daemonSet.podTemplate", "spec.deployment.podTemplate", source=_ELASTIC),
    _row("elasticsearch.k8s.elastic.co", "Elasticsearch", "spec.nodeSets[*].podTemplate", source=_ELASTIC),
    _row("enterprisesearch.k8s.elastic.co", "EnterpriseSearch", "spec.podTemplate", source=_ELASTIC),
    _row("kibana.k8s.elastic.co", "Kibana", "spec.podTemplate", source=_ELASTIC),
    _row("logstash.k8s.elastic.co", "Logstash", "spec.podTemplate", source=_ELASTIC),
    _row("maps.k8s.elastic.co", "ElasticMapsServer", "spec.podTemplate", source=_ELASTIC),
    _row("packageregistry.k8s.elastic.co", "PackageRegistry", "spec.podTemplate", source=_ELASTIC),
    # Flink
    _row("flink.apache.org", "FlinkDeployment", "spec.podTemplate"),
    _row("flink.apache.org", "FlinkDeployment", "spec.jobManager.podTemplate", "spec.taskManager.podTemplate"),
    _row("platform.confluent.io", "FlinkDeployment", "spec.podTemplate"),
    _row("platform.confluent.io", "FlinkDeployment", "spec.jobManager.podTemplate", "spec.taskManager.podTemplate"),
    _row("platform.confluent.io", "FlinkBlueGreenDeployment", "spec.template.spec.podTemplate"),
    _row("platform.confluent.io", "FlinkBlueGreenDeployment", "spec.template.spec.jobManager.podTemplate"),
    _row("platform.confluent.io", "FlinkBlueGreenDeployment", "spec.template.spec.taskManager.podTemplate"),
    _row("resource.streamnative.io", "ComputeFlinkDeployment", "spec.communityTemplate.spec.jobManagerPodTemplate"),
    _row("resource.streamnative.io", "ComputeFlinkDeployment", "spec.communityTemplate.spec.taskManagerPodTemplate"),
    # KEDA, Knative, KServe, Kueue
    _row("keda.sh", "ScaledJob", "spec.jobTargetRef.template", completes=True),
    _row("serving.knative.dev", "Service", refused=_KNATIVE),
    _row("serving.knative.dev", "Configuration", refused=_KNATIVE),
    _row("serving.knative.dev", "Revision", refused=_KNATIVE),
    _row("sources.knative.dev", "ContainerSource", "spec.template", source=_EVENTING),
    _row("serving.kserve.io", "InferenceService", refused=_KSERVE),
    _row("serving.kserve.io", "ServingRuntime", refused=_KSERVE),
    _row("serving.kserve.io", "ClusterServingRuntime", refused=_KSERVE),
    _row("kueue.x-k8s.io", "Workload", refused="Kueue computes it from a job; inject into the job, or exclude it"),
    # Kubeflow
    _row("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs.*.template", completes=True),
    _row("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs.*.template", source=_TRAINING, completes=True),
    _row("kubeflow.org", "TFJob", "spec.tfReplicaSpecs.*.template", source=_TRAINING, completes=True),
    _row("kubeflow.org", "XGBoostJob", "spec.xgbReplicaSpecs.*.template", source=_TRAINING, completes=True),
    _row("kubeflow.org", "PaddleJob", "spec.paddleReplicaSpecs.*.template", source=_TRAINING, completes=True),
    _row("kubeflow.org", "JAXJob", "spec.jaxReplicaSpecs.*.template", source=_TRAINING, completes=True),
    _row("trainer.kubeflow.org", "TrainingRuntime", "spec.template.spec.replicatedJobs[*].template.spec.template",
         source=_TRAINER, completes=True),
    _row("trainer.kubeflow.org", "ClusterTrainingRuntime", "spec.template.spec.replicatedJobs[*].template.spec.template",
         source=_TRAINER, completes=True),
    _row("sparkoperator.k8s.io", "SparkApplication", "spec.driver.template", "spec.executor.template", source=_SPARK,
         completes=True),
    _row("sparkoperator.k8s.io", "ScheduledSparkApplication", "spec.template.driver.template",
         "spec.template.executor.template", source=_SPARK, completes=True),
    _row("sparkoperator.k8s.io", "SparkConnect", "spec.server.template", "spec.executor.template", source=_SPARK),
    # Jobs in groups
    _row("jobset.x-k8s.io", "JobSet", "spec.replicatedJobs[*].template.spec.template", source=_JOBSET, completes=True),
    _row("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "spec.leaderWorkerTemplate.leaderTemplate", source=_LWS),
    _row("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "spec.leaderWorkerTemplate.workerTemplate", source=_LWS),
    _row("disaggregatedset.x-k8s.io", "DisaggregatedSet", "spec.roles[*].spec.leaderWorkerTemplate.leaderTemplate",
         "spec.roles[*].spec.leaderWorkerTemplate.workerTemplate", source=_LWS),
    _row("batch.volcano.sh", "Job", "spec.tasks[*].template", source=_VOLCANO, completes=True),
    _row("batch.volcano.sh", "CronJob", "spec.jobTemplate.spec.tasks[*].template", source=_VOLCANO, completes=True),
    _row("flow.volcano.sh", "JobTemplate", "spec.tasks[*].template", source=_VOLCANO, completes=True),
    _row("flow.volcano.sh", "JobFlow", "spec.flows[*].patch.jobSpec.tasks[*].template", source=_VOLCANO, completes=True),
    # Logging operator
    _row("logging.banzaicloud.io", "Logging", "spec.nodeAgents[*].nodeAgentFluentbit.daemonSet.spec.template"),
    _row("logging.banzaicloud.io", "Logging", "spec.syslogNG.statefulSet.spec.template"),
    _row("logging.banzaicloud.io", "NodeAgent", "spec.nodeAgentFluentbit.daemonSet.spec.template"),
    _row("logging.banzaicloud.io", "SyslogNGConfig", "spec.statefulSet.spec.template"),
    _row("logging-extensions.banzaicloud.io", "EventTailer", refused=_OWN_PODS),
    _row("logging-extensions.banzaicloud.io", "HostTailer", refused=_OWN_PODS),
    # OpenKruise
    _row("apps.kruise.io", "CloneSet", "spec.template", source=_KRUISE),
    _row("apps.kruise.io", "StatefulSet", "spec.template", source=_KRUISE),
    _row("apps.kruise.io", "DaemonSet", "spec.template", source=_KRUISE),
    _row("apps.kruise.io", "BroadcastJob", "spec.template", source=_KRUISE, completes=True),
    _row("apps.kruise.io", "AdvancedCronJob", "spec.template.jobTemplate.spec.template",
         "spec.template.broadcastJobTemplate.spec.template", source=_KRUISE, completes=True),
    _row("apps.kruise.io", "UnitedDeployment", "spec.template.statefulSetTemplate.spec.template",
         "spec.template.advancedStatefulSetTemplate.spec.template", source=_KRUISE),
    _row("apps.kruise.io", "UnitedDeployment", "spec.template.cloneSetTemplate.spec.template",
         "spec.template.deploymentTemplate.spec.template", source=_KRUISE),
    # OpenShift and OLM
    _row("apps.openshift.io", "DeploymentConfig", source=f"{_CATALOG}openshift", refused=_DEPLOYMENT_CONFIG),
    _row("", "DeploymentConfig", source=f"{_CATALOG}openshift", refused=_DEPLOYMENT_CONFIG),
    _row("operators.coreos.com", "ClusterServiceVersion", "spec.install.spec.deployments[*].spec.template"),
    # Prometheus Operator and Grafana
    _row("monitoring.coreos.com", "Prometheus", refused=_PROMETHEUS),
    _row("monitoring.coreos.com", "PrometheusAgent", refused=_PROMETHEUS),
    _row("monitoring.coreos.com", "Alertmanager", refused=_PROMETHEUS),
    _row("monitoring.coreos.com", "ThanosRuler", refused=_PROMETHEUS),
    _row("monitoring.grafana.com", "GrafanaAgent", refused=_PROMETHEUS),
    _row("grafana.integreatly.org", "Grafana", "spec.deployment.spec.template"),
    # Ray
    _row("ray.io", "RayCluster", "spec.headGroupSpec.template", "spec.workerGroupSpecs[*].template", source=_RAY),
    _row("ray.io", "RayJob", "spec.rayClusterSpec.headGroupSpec.template", "spec.rayClusterSpec.workerGroupSpecs[*].template",
         source=_RAY),
    _row("ray.io", "RayJob", "spec.submitterPodTemplate", source=_RAY, completes=True),
    _row("ray.io", "RayService", "spec.rayClusterConfig.headGroupSpec.template",
         "spec.rayClusterConfig.workerGroupSpecs[*].template", source=_RAY),
    _row("ray.io", "RayCronJob", "spec.jobTemplate.rayClusterSpec.headGroupSpec.template",
         "spec.jobTemplate.rayClusterSpec.workerGroupSpecs[*].template", source=_RAY),
    _row("ray.io", "RayCronJob", "spec.jobTemplate.submitterPodTemplate", source=_RAY, completes=True),
    # Databases, queues and other operators
    _row("postgresql.cnpg.io", "Pooler", "spec.template"),
    _row("postgres-operator.crunchydata.com", "PostgresCluster", refused=_POSTGRES),
    _row("pg.percona.com", "PostgresCluster", refused=_POSTGRES),
    _row("mysql.presslabs.org", "MysqlCluster", refused=_OWN_PODS),
    _row("minio.min.io", "Tenant", refused="MinIO builds these pods; put the agent under spec.sideCars, or exclude it"),
    _row("rabbitmq.com", "RabbitmqCluster", "spec.override.statefulSet.spec.template"),
    _row("cluster.redpanda.com", "Redpanda", "spec.clusterSpec.statefulset.podTemplate"),
    _row("cluster.redpanda.com", "Redpanda", "spec.clusterSpec.post_install_job.podTemplate",
         "spec.clusterSpec.post_upgrade_job.podTemplate", completes=True),
    _row("clickhouse.altinity.com", "ClickHouseInstallation", "spec.templates.podTemplates[*]", source=_ALTINITY),
    _row("clickhouse.altinity.com", "ClickHouseInstallationTemplate", "spec.templates.podTemplates[*]", source=_ALTINITY),
    _row("clickhouse-keeper.altinity.com", "ClickHouseKeeperInstallation", "spec.templates.podTemplates[*]", source=_ALTINITY),
    _row("hivemq.com", "HiveMQPlatform", "spec.statefulSet.spec.template"),
    _row("temporal.io", "TemporalWorkerDeployment", "spec.template"),
    _row("temporal.io", "WorkerDeployment", "spec.template"),
    _row("valkey.io", "ValkeyCluster", refused=_OWN_PODS),
    _row("valkey.io", "ValkeyNode", refused=_OWN_PODS),
    _row("vault.banzaicloud.com", "Vault", refused=_OWN_PODS),
    _row("k8s.keycloak.org", "Keycloak", "spec.unsupported.podTemplate"),
    _row("gravitee.io", "GatewayClassParameters", "spec.kubernetes.deployment.template"),
    _row("k6.io", "PrivateLoadZone", "spec.podTemplate"),
    _row("k8up.io", "PodConfig", "spec.template", completes=True),
    _row("k8up.io", "PreBackupPod", "spec.pod"),
    _row("pkg.crossplane.io", "DeploymentRuntimeConfig", "spec.deploymentTemplate.spec.template"),
    _row("operator.cluster.x-k8s.io", "BootstrapProvider", refused=_CLUSTER_API),
    _row("operator.cluster.x-k8s.io", "ControlPlaneProvider", refused=_CLUSTER_API),
    _row("operator.cluster.x-k8s.io", "CoreProvider", refused=_CLUSTER_API),
    _row("operator.cluster.x-k8s.io", "InfrastructureProvider", refused=_CLUSTER_API),
    _row("capi.weave.works", "ClusterBootstrapConfig", refused=_BARE_SPEC),
    _row("db.atlasgo.io", "AtlasMigration", refused=_BARE_SPEC),
    _row("db.atlasgo.io", "AtlasSchema", refused=_BARE_SPEC),
)  # fmt: skip

KUBERNETES_GROUPS = frozenset(("", "apps", "batch", "extensions"))
KUBERNETES_KINDS = tuple(dict.fromkeys(row.kind for row in TABLE if row.group in KUBERNETES_GROUPS))
"""The kinds of Kubernetes itself. A List of them leaves out the kind of its items."""


def steps_of(path: str) -> tuple[str, ...]:
    """Return the steps of a path: `spec.groups[*].template` gives spec, groups, [*], template."""
    return tuple(step for part in path.split(".") if part for step in part.replace("[*]", ".[*]").split("."))


def check_kind(group: str, kind: str, paths: Iterable[str]) -> None:
    """Raise SettingsError, with the field, for a kind of the settings that cannot exist."""
    if "/" in group:
        remedy = f'write "{group.partition("/")[0]}"'
        raise SettingsError(
            f'"{group}" is an API version; an entry of workloads takes the group without it, {remedy}', field="group"
        )
    if not _GROUP.fullmatch(group):
        raise SettingsError(f'"{group}" cannot be an API group; write it like argoproj.io', field="group")
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", kind):
        known = did_you_mean(kind.capitalize(), [row.kind for row in TABLE])
        raise SettingsError(
            f'"{kind}" cannot be a kind; a kind begins with a capital letter, as in Rollout{known}', field="kind"
        )
    for path in paths:
        if not path or not _PATH.fullmatch(path):
            example = "write it like spec.template, spec.groups[*].template (every item) or spec.roles.*.template (every value)"
            raise SettingsError(f'"{path}" cannot be a field path; {example}', field="podTemplate")


def merged(rows: Iterable[WorkloadKind]) -> Iterator[tuple[tuple[str, str], tuple[WorkloadKind, ...]]]:
    """Yield the rows of each group and kind together."""
    found: dict[tuple[str, str], tuple[WorkloadKind, ...]] = {}
    for row in rows:
        key = (row.group, row.kind)
        found[key] = (*found.get(key, ()), row)
    yield from found.items()
