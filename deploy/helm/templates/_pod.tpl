{{- define "labels" -}}
app.kubernetes.io/name: langfuse-mlflow
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "metadata-labels" -}}
{{ include "labels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "secret-name" -}}
{{ .Values.secret.name | default .Release.Name }}
{{- end }}

{{- /* The spec of a CronJob: a dict of root, job (a value with schedule and times) and command. */ -}}
{{- define "cron-job-spec" -}}
{{- $root := .root -}}
schedule: {{ .job.schedule | quote }}
timeZone: {{ $root.Values.timeZone }}
{{- if $root.Values.backfill.enabled }}
# Only one may write the experiment.
suspend: true
{{- end }}
# A job is still started this long after its time. One that is missed altogether costs nothing: the next one reads
# every window that is due.
startingDeadlineSeconds: 21600
concurrencyPolicy: Forbid
successfulJobsHistoryLimit: 3
failedJobsHistoryLimit: 3
jobTemplate:
  metadata:
    labels:
      {{- include "labels" $root | nindent 6 }}
  spec:
    activeDeadlineSeconds: {{ .job.activeDeadlineSeconds | int }}
    # Waits of 10, 20, 40, … seconds, ten minutes in all: longer than the lease of a worker that was killed (two
    # minutes), which is why the next one ends with 75.
    backoffLimit: 6
    podReplacementPolicy: Failed
    podFailurePolicy:
      {{- include "failure-policy" "FailJob" | nindent 6 }}
    template:
      metadata:
        labels:
          {{- include "labels" $root | nindent 10 }}
      spec:
        {{- include "pod-spec" (dict "root" $root "args" (list .command "--max-runtime" .job.maxRuntime)) | nindent 8 }}
{{- end }}

{{- /* What a pod's end means: the action where trying again at once cannot help. */ -}}
{{- define "failure-policy" -}}
# The first rule that fits holds. What fits none, such as 75 (try again later) or a kill for want of memory, counts
# against backoffLimit.
rules:
  # A drained or lost node is no fault of the worker.
  - action: Ignore
    onPodConditions:
      - type: DisruptionTarget
        status: "True"
  # Settings, no time left, windows failed or drift: a person is asked, and the next night tries again.
  - action: {{ . }}
    onExitCodes:
      containerName: worker
      operator: In
      values: [2, 3, 4]
  - action: Count
    onExitCodes:
      containerName: worker
      operator: In
      values: [75]
{{- end }}

{{- define "pod-spec" -}}
{{- $values := .root.Values -}}
restartPolicy: Never
# Told to stop, the worker ends its step, hands its lease back and writes its copy of the state.
terminationGracePeriodSeconds: 120
serviceAccountName: {{ .root.Release.Name }}
automountServiceAccountToken: false
# Without this, a Service called sync-… would put SYNC_…_PORT into the environment, which the worker refuses.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: worker
    image: {{ printf "%s:%s" $values.image.repository ($values.image.tag | default .root.Chart.AppVersion) | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      {{- toYaml .args | nindent 6 }}
    envFrom:
      - configMapRef:
          name: {{ .root.Release.Name }}
      {{- if eq $values.secret.as "env" }}
      - secretRef:
          name: {{ include "secret-name" .root }}
      {{- end }}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
          - ALL
      privileged: false
      readOnlyRootFilesystem: true
    volumeMounts:
      - name: data
        mountPath: /data
      - name: tmp
        mountPath: /tmp
      {{- if eq $values.secret.as "files" }}
      - name: secrets
        mountPath: /run/secrets/langfuse-mlflow
        readOnly: true
      {{- end }}
volumes:
  - name: data
    {{- if eq $values.state.kind "pvc" }}
    persistentVolumeClaim:
      claimName: {{ .root.Release.Name }}
    {{- else }}
    emptyDir:
      sizeLimit: {{ $values.state.size }}
    {{- end }}
  - name: tmp
    emptyDir:
      sizeLimit: 1Gi
  {{- if eq $values.secret.as "files" }}
  - name: secrets
    secret:
      secretName: {{ include "secret-name" .root }}
      # Read by the group above, and by nobody else.
      defaultMode: 288
  {{- end }}
{{- end }}
