{{- define "tritium.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* Leaves room for the suffix of the test's name. */ -}}
{{- define "tritium.fullname" -}}
{{- $name := include "tritium.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "tritium.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tritium.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/component: server
{{- end }}

{{- define "tritium.labels" -}}
{{ include "tritium.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "tritium.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "tritium.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "tritium.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- /* The pod's part of the restricted Pod Security Standard. Without a user the cluster chooses one, as OpenShift does. */ -}}
{{- define "tritium.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.security.user }}
runAsUser: {{ int64 . }}
{{- end }}
{{- with .Values.security.group }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "tritium.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What containers that load a model have in common. */ -}}
{{- define "tritium.loaderRest" -}}
securityContext:
  {{- include "tritium.containerSecurityContext" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
{{- end }}

{{- define "tritium.hubId" -}}
{{- with .Values.model.hub -}}
{{ list .id .revision | compact | join "@" }}
{{- end -}}
{{- end }}

{{- /* The setting tritium.model; empty: the image's own. It has commas between models, and a backslash before one of a path. */ -}}
{{- define "tritium.model" -}}
{{- $m := .Values.model -}}
{{- $first := "" -}}
{{- if eq $m.source "claim" -}}
{{- $first = list "/models" $m.claim.path | compact | join "/" -}}
{{- else if eq $m.source "hub" -}}
{{- $first = include "tritium.hubId" . -}}
{{- else if eq $m.source "download" -}}
{{- $first = "/data/model" -}}
{{- else if $m.more -}}
{{- $first = "/opt/tritium/models/tritium-stories-17m" -}}
{{- end -}}
{{- if and $m.more $m.id }}{{ $first = printf "%s=%s" $m.id $first }}{{ end -}}
{{- $all := list $first -}}
{{- range $name, $model := $m.more }}{{ $all = append $all (printf "%s=%s" $name $model) }}{{ end -}}
{{- range $i, $model := $all }}{{ if $i }},{{ end }}{{ $model | replace "\\" "\\\\" | replace "," "\\," }}{{ end -}}
{{- end }}

{{- /* The models of the hub, as a JSON array. */ -}}
{{- define "tritium.pulls" -}}
{{- $ids := list -}}
{{- if eq .Values.model.source "hub" }}{{ $ids = append $ids (include "tritium.hubId" .) }}{{ end -}}
{{- range .Values.model.more }}{{ if not (hasPrefix "/" .) }}{{ $ids = append $ids . }}{{ end }}{{ end -}}
{{ $ids | uniq | toJson }}
{{- end }}

{{- /* A setting of docs/configuration.md. Helm reads numbers as floating point, and would write 268435456 as 2.68e+08. */ -}}
{{- define "tritium.setting" -}}
- name: TRITIUM_{{ .name | upper | replace "." "_" | replace "-" "_" }}
{{- $value := .value }}
{{- if and (kindIs "float64" $value) (eq $value (floor $value)) }}{{ $value = int64 $value }}{{ end }}
  value: {{ toString $value | quote }}
{{- end }}

{{- /* What the schema cannot say readably: values that need another one. */ -}}
{{- define "tritium.check" -}}
{{- $v := .Values -}}
{{- if and (eq $v.model.source "claim") (not $v.model.claim.name) -}}
{{ fail "model.source is claim: set model.claim.name to the PersistentVolumeClaim that has the model" }}
{{- end -}}
{{- if and (eq $v.model.source "download") (not $v.model.download.url) (not $v.model.download.command) -}}
{{ fail "model.source is download: set model.download.url to the folder with the model's files, or model.download.command" }}
{{- end -}}
{{- if and (eq $v.model.source "hub") (not $v.model.hub.id) -}}
{{ fail "model.source is hub: set model.hub.id to the model's OWNER/NAME there" }}
{{- end -}}
{{- if and (has $v.model.source (list "claim" "download")) (not $v.model.id) -}}
{{ fail (printf "model.source is %s: set model.id to the name by which clients ask for the model" $v.model.source) }}
{{- end -}}
{{- if hasKey $v.model.more $v.model.id -}}
{{ fail (printf "model.more has the name %s, which is model.id too: give each model its own" $v.model.id) }}
{{- end -}}
{{- range prepend (keys $v.model.more | sortAlpha) $v.model.id -}}
{{- if and $v.model.more (regexMatch `[/\\=]` .) -}}
{{ fail (printf "model.more: %s is no name beside others, with a slash, a backslash or =" .) }}
{{- end -}}
{{- end -}}
{{- range $file, $_ := $v.model.download.sha256 -}}
{{- if not (has $file $v.model.download.files) -}}
{{ fail (printf "model.download.sha256 names %s, which is not in model.download.files" $file) }}
{{- end -}}
{{- end -}}
{{- if and (eq $v.autoscaling.kind "keda") (not $v.autoscaling.prometheus) -}}
{{ fail "autoscaling.kind is keda: set autoscaling.prometheus to the address of the Prometheus that scrapes the servers" }}
{{- end -}}
{{- if gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas) -}}
{{ fail (printf "autoscaling.minReplicas is %d, more than autoscaling.maxReplicas, %d" (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) }}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled $v.apiKeys.secret (not $v.metrics.open) (not $v.metrics.serviceMonitor.bearer.secret) -}}
{{ fail "the server asks for API keys, so Prometheus would be refused: set metrics.serviceMonitor.bearer to a Secret with one of them, or metrics.open" }}
{{- end -}}
{{- with $v.metrics.serviceMonitor.bearer -}}
{{- if and .secret (not .key) -}}
{{ fail "metrics.serviceMonitor.bearer.secret is set: set metrics.serviceMonitor.bearer.key to the entry that holds the one key" }}
{{- end -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{ fail "httpRoute.enabled is set: set httpRoute.parentRefs to the Gateways that it belongs to" }}
{{- end -}}
{{- end }}
