"""text that cannot be read

No rule can look at text that is not YAML, at a key that stands twice where it decides something, or at a field of the
wrong type on the way to a pod's containers; nor at a SidecarInjection that is wrong. The other documents are checked
all the same.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers: web

Source: YAML 1.2.2; the Kubernetes API reference of each kind.
"""

ID = "unreadable"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()
REMEDY = "mend it; nothing in this document was checked by the other rules"
