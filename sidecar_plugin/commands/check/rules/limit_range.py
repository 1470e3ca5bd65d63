"""containers that a LimitRange of the same files refuses

The API server refuses a pod with a container beyond `min`, `max` or `maxLimitRequestRatio` of a LimitRange of its namespace,
and a pod beyond `max` of type Pod. The rule compares objects of one namespace in all files of the run.

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
          - {name: agent, image: "agent:1", restartPolicy: Always, resources: {requests: {cpu: 100m}, limits: {cpu: "1"}}}
          containers:
          - {name: web, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 500m}}}
    ---
    apiVersion: v1
    kind: LimitRange
    metadata: {name: limits}
    spec: {limits: [{type: Container, max: {cpu: "1"}}]}

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
          - {name: agent, image: "agent:1", restartPolicy: Always, resources: {requests: {cpu: 100m}, limits: {cpu: "2"}}}
          containers:
          - {name: web, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 500m}}}
    ---
    apiVersion: v1
    kind: LimitRange
    metadata: {name: limits}
    spec: {limits: [{type: Container, max: {cpu: "1"}}]}

Source: https://kubernetes.io/docs/concepts/policy/limit-range/.
"""

ID = "limit-range"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()
