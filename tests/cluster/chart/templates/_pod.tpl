{{/* A pod's spec for a shell command: (dict "command" … "restart" …) */}}
{{- define "pod" -}}
restartPolicy: {{ .restart }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 10
containers:
  - name: app
    image: docker.io/local/busybox:1
    imagePullPolicy: Never
    command: [sh, -c, {{ .command | quote }}]
{{- end }}
