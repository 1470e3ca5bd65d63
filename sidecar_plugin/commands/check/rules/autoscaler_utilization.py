"""an autoscaler that measures the sidecars with the application

A metric of type Resource is the utilization of all containers of a pod, so that sidecars blur it; where one of them requests
nothing, the autoscaler does not scale at all. A metric of type ContainerResource measures one container.

Passes:

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          initContainers:
          - {name: agent, image: "agent:1", restartPolicy: Always, resources: {requests: {cpu: 100m}}}
          containers:
          - {name: web, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 500m}}}
    ---
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
      maxReplicas: 3
      metrics:
      - type: ContainerResource
        containerResource: {container: web, name: cpu, target: {type: Utilization, averageUtilization: 60}}

Fails:

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          initContainers:
          - {name: agent, image: "agent:1", restartPolicy: Always, resources: {requests: {cpu: 100m}}}
          containers:
          - {name: web, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 500m}}}
    ---
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
      maxReplicas: 3
      metrics:
      - type: Resource
        resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}

Source: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#container-resource-metrics.
"""

ID = "autoscaler-utilization"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()
