"""pods that a ResourceQuota of the same files refuses

A quota for CPU or memory refuses a pod with a container that does not say how much it takes, unless a LimitRange gives a
default. Pods beyond the quota are refused too: the rule adds up what the workloads of a namespace ask for, with their
replicas. Quotas with scopes are left out.

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
    apiVersion: v1
    kind: ResourceQuota
    metadata: {name: team}
    spec: {hard: {requests.cpu: "1"}}

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
          - {name: agent, image: "agent:1", restartPolicy: Always, resources: {}}
          containers:
          - {name: web, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 500m}}}
    ---
    apiVersion: v1
    kind: ResourceQuota
    metadata: {name: team}
    spec: {hard: {requests.cpu: "1"}}

Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/.
"""

ID = "resource-quota"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()
