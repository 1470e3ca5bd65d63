{{- /*
Emits one SidecarInjection with the values below `sidecars`; nothing if they are null. Use: a template that holds
{{ include "sidecar-injection.document" . }} and nothing else, as templates/sidecars.yaml.

The annotations say which chart the settings are for, and the version to take where clusterVersion is empty. `global` is what
Helm hands every subchart, and this chart is one under the name `sidecars`.
*/ -}}
{{- define "sidecar-injection.document" -}}
{{- with .Values.sidecars -}}
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata:
  name: {{ printf "%s-needs-the-post-renderer-of-sidecar-plugin" $.Chart.Name }}
  annotations:
    sidecar-plugin.dev/chart: {{ $.Template.BasePath | trimSuffix "/templates" | quote }}
    sidecar-plugin.dev/kube-version: {{ $.Capabilities.KubeVersion.Version | quote }}
spec:
  {{- omit . "global" | toYaml | nindent 2 }}
{{- end }}
{{- end }}
