"""What the API server refuses of a container, a volume or metadata is refused in a template and in the settings' patch.

One mistake a row, then what is odd and right. To add one, add a row to the list that it belongs to.
"""

from pathlib import Path

import pytest

from tests.support.command import Run, run

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: x}\n"
VOLUME = "volumes: [{name: v, emptyDir: {}}]\n"
WRONG_CONTAINERS = (
    "image: 'x y'",
    "image: ''",
    "image: 'X:1'",
    "image: 'x:'",
    "image: 'http://x/y'",
    "image: 'x@sha256:1'",
    "name: A_b",
    "name: a.b",
    "name: '-a'",
    "args: --port",
    "args: [1]",
    "args: [true]",
    "args: {a: b}",
    "command: 'run it'",
    "command: [null]",
    "workingDir: 5",
    "workingDir: [a]",
    "env: {A: b}",
    "env: [A]",
    "env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
    "env: [{value: b}]",
    "env: [{name: '', value: b}]",
    "env: [{name: 'A=B', value: b}]",
    "env: [{name: A, value: null, valueFrom: {}}]",
    "env: [{name: A, valueFrom: {fieldRef: {}}}]",
    "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.nmae}}}]",
    "env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]",
    "env: [{name: A, valueFrom: {secretKeyRef: {key: s}}}]",
    "env: [{name: A, valueFrom: {configMapKeyRef: {name: 'S_x', key: k}}}]",
    "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpus}}}]",
    "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}, secretKeyRef: {name: s, key: k}}}]",
    "env: [{name: A, val: b}]",
    "env: [{name: A, valueFrom: {}}]",
    "envFrom: [{configMap: {name: c}}]",
    "envFrom: [{configMapRef: c}]",
    "envFrom: [{}]",
    "envFrom: [{configMapRef: {name: a}, secretRef: {name: b}}]",
    "ports: [8080]",
    "ports: [{containerPort: 0}]",
    "ports: [{containerPort: 70000}]",
    "ports: [{containerPort: '80'}]",
    "ports: [{containerPort: 80.5}]",
    "ports: [{port: 80}]",
    "ports: [{containerPort: 80, protocol: tcp}]",
    "ports: [{containerPort: 80, protocol: HTTP}]",
    "ports: [{containerPort: 80, name: thisnameistoolong}]",
    "ports: [{containerPort: 80, name: Http}]",
    "ports: [{containerPort: 80, name: '123'}]",
    "ports: [{containerPort: 80, name: 'a--b'}]",
    "ports: [{containerPort: 80, name: a}, {containerPort: 81, name: a}]",
    "ports: [{containerPort: 80, hostPort: 70000}]",
    "ports: [{containerPort: 80, hostIP: 300.1.1.1}]",
    "resources: {limit: {cpu: 1}}",
    "resources: {limits: {cpu: '1 core'}}",
    "resources: {limits: {memory: 100mb}}",
    "resources: {limits: {memory: '1 Gi'}}",
    "resources: {limits: {memory: 1GB}}",
    "resources: {limits: {cpu: -1}}",
    "resources: {limits: {cpu: 1}, requests: {cpu: 2}}",
    "resources: {limits: {cpus: 1}}",
    "resources: {limits: {mem: 1Gi}}",
    "resources: [1]",
    "resource: {limits: {cpu: 1}}",
    "resources: {limits: {memory: 128m}}",
    "resources: {requests: {nvidia.com/gpu: 1}}",
    "resources: {limits: {nvidia.com/gpu: 0.5}}",
    "resources: {limits: {cpu: true}}",
    "resources: {limits: cpu}",
    "securityContext: {runAsUser: '1000'}",
    "securityContext: {runAsUser: -1}",
    "securityContext: {runAsNonRoot: 'true'}",
    "securityContext: {privileged: yes_}",
    "securityContext: {capabilities: {drop: ALL}}",
    "securityContext: {capabilities: [ALL]}",
    "securityContext: {capabilities: {add: [CAP_NET_ADMIN]}}",
    "securityContext: {allowPrivilegeEscalation: false, privileged: true}",
    "securityContext: {seccompProfile: RuntimeDefault}",
    "securityContext: {seccompProfile: {type: runtimeDefault}}",
    "securityContext: {seccompProfile: {type: Localhost}}",
    "securityContext: {readonlyRootFilesystem: true}",
    "securityContext: {runAsUser: 1000.5}",
    "securityContext: {fsGroup: 1}",
    "securityContext: {procMount: x}",
    "securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [SYS_ADMIN]}}",
    "imagePullPolicy: always",
    "imagePullPolicy: [Always]",
    "imagePullPolicy: ''",
    "imagePullSecrets: [{name: a}]",
    "livenessProbe: {httpGet: {path: /}}",
    "livenessProbe: {httpGet: {path: /, port: 0}}",
    "livenessProbe: {httpGet: {path: /, port: http}}",
    "livenessProbe: {httpGet: {path: /, port: 80, scheme: http}}",
    "livenessProbe: {httpGet: {path: /, port: 80}, tcpSocket: {port: 80}}",
    "livenessProbe: {}",
    "livenessProbe: {periodSeconds: 5}",
    "livenessProbe: {exec: ls}",
    "livenessProbe: {exec: {command: ls}}",
    "livenessProbe: {tcpSocket: {port: 80}, periodSeconds: '5'}",
    "livenessProbe: {tcpSocket: {port: 80}, successThreshold: 2}",
    "startupProbe: {tcpSocket: {port: 80}, successThreshold: 3}",
    "livenessProbe: {httpget: {path: /, port: 80}}",
    "readinessProbe: {grpc: {port: http}}",
    "livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: -1}",
    "readinessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 5}",
    "livenessProbe: {tcpSocket: {port: 80}, initialDelay: 5}",
    "livenesProbe: {tcpSocket: {port: 80}}",
    "lifecycle: {preStop: {sleep: 5}}",
    "lifecycle: {preStop: {exec: {command: sleep 5}}}",
    "lifecycle: {prestop: {sleep: {seconds: 5}}}",
    "lifecycle: {preStop: {}}",
    "lifecycle: {preStop: {exec: {command: [a]}, sleep: {seconds: 1}}}",
    "lifecycle: {preStop: {sleep: {seconds: -1}}}",
    "lifecycle: {preStop: {sleep: {seconds: '5'}}}",
    "volumeMounts: [{name: v}]",
    "volumeMounts: [{mountPath: /a}]",
    "volumeMounts: [{name: v, mountPath: ''}]",
    "volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]",
    "volumeMounts: [{name: v, mountPath: /a, subPath: ../b}]",
    "volumeMounts: [{name: v, mountPath: /a, subPath: /b}]",
    "volumeMounts: [{name: v, mountPath: /a, subPath: b, subPathExpr: c}]",
    "volumeMounts: [{name: v, mountPath: /a, readonly: true}]",
    "volumeMounts: [{name: v, mountPath: /a, readOnly: 'yes'}]",
    "volumeMounts: [{name: v, mountPath: /a, mountPropagation: bidirectional}]",
    "volumeMounts: [{name: v, path: /a}]",
    "volumeMounts: {name: v, mountPath: /a}",
    "volumeMounts: [{name: V_1, mountPath: /a}]",
    "stdin: 'true'",
    "tty: 1",
    "terminationMessagePath: 5",
    "terminationMessagePolicy: file",
    "volumeDevices: [{name: v}]",
    "resizePolicy: [{resourceName: cpu, restartPolicy: never}]",
    "dnsPolicy: None",
    "hostNetwork: true",
)
WRONG_PARTS = (
    "volumes: [{name: v, emptyDir: {}, hostPath: {path: /a}}]",
    "volumes: [{name: v, emptydir: {}}]",
    "volumes: [{emptyDir: {}}]",
    "volumes: [{name: V, emptyDir: {}}]",
    "volumes: [{name: v, emptyDir: {medium: memory}}]",
    "volumes: [{name: v, emptyDir: {sizeLimit: big}}]",
    "volumes: [{name: v, configMap: cm}]",
    "volumes: [{name: v, configMap: {}}]",
    "volumes: [{name: v, secret: {name: s}}]",
    "volumes: [{name: v, secret: {}}]",
    "volumes: [{name: v, configMap: {name: c, defaultMode: '0644'}}]",
    "volumes: [{name: v, configMap: {name: c, defaultMode: 999}}]",
    "volumes: [{name: v, configMap: {name: c, items: [{key: a}]}}]",
    "volumes: [{name: v, configMap: {name: c, items: [{key: a, path: /a}]}}]",
    "volumes: [{name: v, configMap: {name: c, items: [{key: a, path: ../a}]}}]",
    "volumes: [{name: v, hostPath: /a}]",
    "volumes: [{name: v, hostPath: {path: ../a}}]",
    "volumes: [{name: v, hostPath: {path: /a, type: directory}}]",
    "volumes: [{name: v, persistentVolumeClaim: {name: c}}]",
    "volumes: [{name: v, downwardAPI: {items: [{path: a}]}}]",
    "volumes: [{name: v, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: spec.nodeName}}]}}]",
    "volumes: [{name: v, projected: {sources: [{}]}}]",
    "volumes: {v: {emptyDir: {}}}",
    "volumes: [{name: v, emptyDir: 5}]",
    "volumes: [{name: v, csi: {}}]",
    "volumes: [{name: v, nfs: {path: /a}}]",
    "volumes: [{name: v, emptyDir: {sizeLimit: -1Gi}}]",
    "podLabels: {a: 'back end'}",
    "podLabels: {'a b': c}",
    "podLabels: {a: 1}",
    "podLabels: {'-a': b}",
    "podLabels: [a]",
    "podLabels: {'a/b/c': d}",
    "podLabels: {a: -b}",
    "podLabels: {a: true}",
    "podAnnotations: {'a b': c}",
    "podAnnotations: {a: 1}",
    "podAnnotations: {a: [b]}",
    "podAnnotations: {'/a': b}",
    "podAnnotations: a",
    "imagePullSecrets: [a]",
    "imagePullSecrets: [{nam: a}]",
    "imagePullSecrets: [{name: A_b}]",
    "imagePullSecrets: a",
    "initContainers: [{name: i}]",
    "initContainers: [{image: i}]",
    "initContainers: {name: i, image: i}",
    "initContainers: [{name: i, image: i, restartPolicy: Sometimes}]",
    "initContainers: [{name: i, image: i, livenessProbe: {tcpSocket: {port: 1}}}]",
    "initContainers: [{name: i, image: i, lifecycle: {preStop: {sleep: {seconds: 1}}}}]",
    "manifests: [{kind: ConfigMap, metadata: {name: a}}]",
    "manifests: [{apiVersion: v1, kind: ConfigMap}]",
    "manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: A_b}}]",
    "manifests: {apiVersion: v1}",
    "manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: 5}}]",
    "manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {'k k': 'v'}}]",
    "applicationContainers: {env: [{name: A, value: 1}]}",
    "applicationContainers: {volumeMount: []}",
    "applicationContainers: [a]",
    "notes: hello",
    "notes: ['']",
    "containers: []",
    "gracePeriodSeconds: '5'",
    "gracePeriodSeconds: -1",
)
RIGHT_CONTAINERS = (
    "image: 'localhost:5000/a/b:v1@sha256:0000000000000000000000000000000000000000000000000000000000000000'",
    "image: 'x'",
    "env: [{name: a.b-c, value: ''}]",
    "env: [{name: A}]",
    "env: [{name: A, value: '$(B)'}]",
    "ports: [{containerPort: 80, protocol: SCTP, name: a-1}]",
    "ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]",
    "resources: {limits: {cpu: 0.5, memory: 1e9}}",
    (
        "resources: {limits: {cpu: 100m, memory: 1.5Gi, ephemeral-storage: 1G, example.com/foo: 3, "
        "hugepages-2Mi: 4Mi}, requests: {example.com/foo: 3}}"
    ),
    "resources: {}",
    "resources: null",
    "securityContext: {}",
    "securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}",
    "livenessProbe: {httpGet: {path: /, port: 80, httpHeaders: [{name: a, value: b}]}}",
    "livenessProbe: {exec: {command: [ls]}, periodSeconds: 5}",
    "startupProbe: {grpc: {port: 80, service: x}}",
    "lifecycle: {preStop: {httpGet: {port: 80}}}",
    "imagePullPolicy: Always",
    "stdin: true",
    "terminationMessagePolicy: FallbackToLogsOnError",
    "command: []",
    "args: ['']",
    "workingDir: /a",
    "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['a/b']\"}}}]",
    "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: a, divisor: 1m}}}]",
    "envFrom: [{prefix: A_, secretRef: {name: s, optional: true}}]",
    "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: .k, optional: true}}}]",
    "securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}",
    "securityContext: {appArmorProfile: {type: RuntimeDefault}}",
    "env: []",
    "env: null",
    "env: [{name: A, value: b}, {name: A, value: c}]",
    "ports: [{containerPort: 80}, {containerPort: 80}]",
    "livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 0}",
    "volumeMounts: [{name: v, mountPath: a}]",
    "volumeMounts: [{name: v, mountPath: 'a:b'}]",
)
RIGHT_PARTS = (
    "volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]",
    "volumes: [{name: v, emptyDir: {medium: HugePages}}]",
    "volumes: [{name: v, emptyDir: {medium: HugePages-2Mi}}]",
    "volumes: [{name: v, configMap: {name: c, defaultMode: 420, items: [{key: a, path: b/c}]}}]",
    "volumes: [{name: v, secret: {secretName: s, optional: true}}]",
    "volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t, audience: a}}]}}]",
    "volumes: [{name: v, hostPath: {path: /a, type: DirectoryOrCreate}}]",
    "volumes: [{name: v, csi: {driver: d}}]",
    (
        "volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], "
        "resources: {requests: {storage: 1Gi}}}}}}]"
    ),
    "volumes: [{name: v, downwardAPI: {items: [{path: a, resourceFieldRef: {containerName: a, resource: limits.cpu}}]}}]",
    "volumes: null",
    "volumes: []",
    "podLabels: {a: ''}",
    "podLabels: {example.com/a_b.c: X-1}",
    "podAnnotations: {example.com/x: '{}'}",
    "volumes: [{name: v, image: {reference: x}}]",
    "volumes: [{name: v, nfs: {server: s, path: /a}}]",
    "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]",
    "volumes: [{name: v}]",
    "volumes: [{name: v, projected: {}}]",
)


def container(text: str) -> str:
    """Return an agent whose container has the field, and the volume that it mounts."""
    fields = {"name": "name: a", "image": "image: 'x:1'"}
    fields.pop(text.partition(":")[0], None)
    return (
        f"container: {{{', '.join([*fields.values(), text])}}}\n{VOLUME if 'name: v, ' in text or 'name: v}' in text else ''}"
    )


def with_agent(command: str, template: str, folder: Path, *words: str) -> Run:
    file = folder / "template.yaml"
    file.write_text(template)
    enabled = ("--set", "agents.a.enabled=true", "--set-file", f"agents.a.template={file}")
    versions = ("--platform", "kubernetes", "--cluster-version", "1.34")
    return run(command, *versions, *enabled, *words, *(["-"] if command == "inject" else []), stdin=POD)


def is_refused(done: Run, place: str, field: str) -> bool:
    """Say whether the run was refused for the field, at the place, with nothing written."""
    assert (done.status, done.stdout) == (1, b""), done.stdout.decode()
    assert "Traceback" not in done.stderr
    return done.stderr.startswith(f"sidecar-plugin: error: {place}") and field in done.stderr


@pytest.mark.parametrize("text", WRONG_CONTAINERS)
def test_a_wrong_field_of_a_container(text: str, tmp_path: Path) -> None:
    key = text.partition(":")[0]
    assert is_refused(
        with_agent("inject", container(text), tmp_path), "<stdin>:1:1: Pod/web: agents.a.template (rendered):", key
    )


@pytest.mark.parametrize("text", WRONG_CONTAINERS)
def test_the_same_in_the_patch_of_the_settings(text: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: a}\nspec:\n  agents:\n    a:\n"
        f"      container: {{{text}}}\n"
    )
    template = f"container: {{name: a, image: 'x:1'}}\n{VOLUME}"
    done = with_agent("inject", template, tmp_path, "--config", str(config))
    assert is_refused(done, str(config), f"agents.a.container.{text.partition(':')[0]}")


@pytest.mark.parametrize("text", WRONG_PARTS)
def test_a_wrong_part(text: str, tmp_path: Path) -> None:
    done = with_agent("inject", f"container: {{name: a, image: 'x:1'}}\n{text}\n", tmp_path)
    assert is_refused(done, "<stdin>:1:1: Pod/web: agents.a.template (rendered):2:", text.partition(":")[0])


@pytest.mark.parametrize("text", WRONG_CONTAINERS[::5])
def test_the_same_in_a_policy(text: str, tmp_path: Path) -> None:
    assert is_refused(
        with_agent("export-policy", container(text), tmp_path), "agents.a.template (rendered):", text.partition(":")[0]
    )


@pytest.mark.parametrize(
    "text", [*map(container, RIGHT_CONTAINERS), *(f"container: {{name: a, image: x}}\n{one}\n" for one in RIGHT_PARTS)]
)
def test_what_is_odd_and_right(text: str, tmp_path: Path) -> None:
    done = with_agent("inject", text, tmp_path)
    assert (done.status, "warning" in done.stderr) == (0, False), done.stderr
