"""What runs programs in ways of its own: other workload kinds, serving, scaling, jobs, streams."""

from lastgood.targets.kubernetes.health.table.row import Row

_KNATIVE = ("Degraded: *=False", "Progressing: *=Unknown", "Healthy: Ready=True")
_NOT_OBSERVED = "Progressing: .metadata.generation!=.status.observedGeneration"
_FAILED_UPGRADE = "Degraded: .metadata.labels[numaplane.numaproj.io/progressive-result-state]=failed"
_NUMAFLOW = (_NOT_OBSERVED, "Degraded: .status.phase=Failed", _FAILED_UPGRADE, "Degraded: *=False")
# These sum up their parts in Ready; a part that is only informative may be False.
_KNATIVE_SUM = ("Healthy: Ready=True", "Degraded: Ready=False", "Progressing: Ready")
_KEPTN = ("Healthy: .status.status=Succeeded", "Degraded: .status.status=Failed")
_AVAILABLE = (
    "Degraded: Reconciled=False",
    "Healthy: Available=True",
    "Progressing: Available!=True/SomePodsNotReady",
    "Degraded: Available!=True",
)

ROWS = (
    Row(
        "apps.kruise.io",
        "CloneSet",
        (
            _NOT_OBSERVED,
            "Suspended: .spec.updateStrategy.paused=true",
            "Suspended: .status & !.status.updatedAvailableReplicas",
            (
                "Suspended: .metadata.generation>1 & .spec.updateStrategy.partition!=0"
                " & .status.updatedReplicas>=.status.expectedUpdatedReplicas"
            ),
            "Progressing: .metadata.generation>1 & .spec.updateStrategy.partition!=0",
            "Healthy: .status.updatedAvailableReplicas=.status.replicas",
            "Degraded: .status.updatedAvailableReplicas!=.status.replicas",
        ),
    ),
    Row(
        "apps.kruise.io",
        "StatefulSet",
        (
            _NOT_OBSERVED,
            "Suspended: .spec.updateStrategy.rollingUpdate.paused=true",
            "Suspended: .status & !.status.updatedAvailableReplicas",
            (
                "Suspended: .metadata.generation>1 & .spec.updateStrategy.rollingUpdate.partition>0"
                " & add(.status.updatedReplicas, .spec.updateStrategy.rollingUpdate.partition)>.status.replicas"
            ),
            "Progressing: .metadata.generation>1 & .spec.updateStrategy.rollingUpdate.partition>0",
            "Healthy: .status.updatedAvailableReplicas=.status.replicas",
            "Degraded: .status.updatedAvailableReplicas!=.status.replicas",
        ),
    ),
    Row(
        "apps.kruise.io",
        "DaemonSet",
        (
            _NOT_OBSERVED,
            "Suspended: .spec.updateStrategy.rollingUpdate.paused=true",
            "Suspended: .status & !.status.updatedNumberScheduled",
            (
                "Suspended: .metadata.generation>1 & .spec.updateStrategy.rollingUpdate.partition>0"
                " & add(.status.updatedNumberScheduled, .spec.updateStrategy.rollingUpdate.partition)"
                ">.status.desiredNumberScheduled"
            ),
            "Progressing: .metadata.generation>1 & .spec.updateStrategy.rollingUpdate.partition>0",
            (
                "Healthy: .status.updatedNumberScheduled=.status.desiredNumberScheduled"
                " & .status.numberAvailable=.status.desiredNumberScheduled"
            ),
            (
                "Degraded: .status.updatedNumberScheduled=.status.desiredNumberScheduled"
                " & .status.numberUnavailable=.status.desiredNumberScheduled"
            ),
        ),
    ),
    Row(
        "apps.kruise.io",
        "BroadcastJob",
        (
            "Healthy: .status.phase=completed & .status.desired=.status.succeeded",
            "Degraded: .status.phase=failed & .status.failed>0",
            "Suspended: .status.phase=paused & .spec.paused=true",
        ),
    ),
    Row(
        "apps.kruise.io",
        "AdvancedCronJob",
        (
            "Suspended: !.status.lastScheduleTime & .spec.paused=true",
            "Progressing: len(.status.active)>0",
            "Healthy: .status.lastScheduleTime",
        ),
        "Degraded",
    ),
    Row(
        "rollouts.kruise.io",
        "Rollout",
        (
            _NOT_OBSERVED,
            "Suspended: .status.canaryStatus.currentStepState=StepPaused & .status.phase=Progressing",
            "Healthy: .status.canaryStatus.currentStepState=Completed & .status.phase=Healthy",
            "Degraded: .status.canaryStatus.currentStepState=StepPaused & .status.phase=Terminating|Disabled",
        ),
    ),
    Row(
        "apps.openshift.io",
        "DeploymentConfig",
        (
            "Progressing: !.status.conditions",
            "Healthy: Available=True & Progressing=True/NewReplicationControllerAvailable",
            "Healthy: .status & .status.replicas=0 & .spec.replicas=0",
            "Progressing: Available=True",
            "Progressing: Progressing=True",
            "Degraded: .status.conditions",
        ),
    ),
    Row(
        "batch.volcano.sh",
        "Job",
        ("Healthy: .status.state.phase=Completed", "Degraded: .status.state.phase=Failed|Aborted|Terminated"),
    ),
    Row(
        "jobset.x-k8s.io",
        "JobSet",
        ("Degraded: Failed=True", "Healthy: Completed=True", "Suspended: .spec.suspend=true"),
    ),
    Row("kueue.x-k8s.io", "ClusterQueue LocalQueue AdmissionCheck", ("Healthy: Active=True", "Degraded: Active=False")),
    Row(
        "kubeflow.org",
        "*",
        ("Degraded: Failed=True", "Healthy: Succeeded=True", "Suspended: Suspended=True", "Progressing: Running=True"),
    ),
    Row(
        "trainer.kubeflow.org",
        "TrainJob",
        ("Degraded: Failed=True", "Healthy: Complete=True", "Suspended: Suspended=True"),
    ),
    Row(
        "ray.io",
        "RayCluster",
        (
            "Degraded: .status.state=failed|unhealthy",
            "Suspended: .status.state=suspended",
            "Healthy: .status.state=ready",
        ),
    ),
    Row(
        "ray.io",
        "RayService",
        (
            "Healthy: Ready=True",
            "Healthy: .status.serviceStatus=Running",
            "Degraded: .status.serviceStatus=FailedToGetOrCreateRayCluster",
        ),
    ),
    Row(
        "ray.io",
        "RayJob",
        (
            "Healthy: .status.jobStatus=SUCCEEDED",
            "Degraded: .status.jobStatus=FAILED|STOPPED",
            "Suspended: .status.jobDeploymentStatus=Suspended",
        ),
    ),
    Row(
        "sparkoperator.k8s.io",
        "SparkApplication",
        (
            "Healthy: .status.applicationState.state=COMPLETED",
            "Degraded: .status.applicationState.state=FAILED|SUBMISSION_FAILED|FAILING",
            "Missing: .status.applicationState.state=INVALIDATING",
            "Suspended: .status.applicationState.state=SUSPENDED",
            (
                "Healthy: .status.applicationState.state=RUNNING & .spec.dynamicAllocation.enabled=true"
                " & count(.status.executorState, RUNNING)>=.spec.dynamicAllocation.minExecutors?1"
                " & count(.status.executorState, RUNNING)<=.spec.dynamicAllocation.maxExecutors?1000000"
            ),
            *(
                f"Healthy: .status.applicationState.state=RUNNING & .spec.sparkConf[{key}.enabled]=true"
                f" & count(.status.executorState, RUNNING)>=.spec.sparkConf[{key}.minExecutors]?1"
                f" & count(.status.executorState, RUNNING)<=.spec.sparkConf[{key}.maxExecutors]?1000000"
                for key in ("spark.dynamicAllocation", "spark.streaming.dynamicAllocation")
            ),
            (
                "Healthy: .status.applicationState.state=RUNNING & !.spec.executor.instances"
                " & count(.status.executorState, RUNNING)>0"
            ),
            (
                "Healthy: .status.applicationState.state=RUNNING & .status.executorState"
                " & count(.status.executorState, RUNNING)=.spec.executor.instances"
            ),
        ),
    ),
    Row(
        "sparkoperator.k8s.io",
        "ScheduledSparkApplication",
        (
            "Suspended: .spec.suspend=true",
            "Degraded: .status.scheduleState=FailedValidation",
            "Healthy: .status.scheduleState=Scheduled",
        ),
    ),
    Row(
        "flink.apache.org",
        "FlinkSessionJob",
        (
            "Healthy: .status.jobStatus.state=RUNNING|FINISHED",
            "Progressing: .status.jobStatus.state=RECONCILING|CREATED",
            "Suspended: .status.jobStatus.state=SUSPENDED|CANCELED",
            "Degraded: .status.jobStatus.state=FAILED",
            "Degraded: .status.error",
        ),
    ),
    Row(
        "flink.apache.org",
        "FlinkBlueGreenDeployment",
        (
            "Progressing: .status.reconciliationStatus.state=ROLLING_BACK",
            "Degraded: .status.reconciliationStatus.state=ROLLED_BACK",
            "Degraded: .status.blueGreenState=ACTIVE_BLUE|ACTIVE_GREEN & .status.jobStatus.state=RESTARTING",
            "Healthy: .status.blueGreenState=ACTIVE_BLUE|ACTIVE_GREEN",
        ),
    ),
    Row(
        "flink.apache.org",
        "FlinkDeployment",
        (
            (
                "Progressing: .status.reconciliationStatus.state=DEPLOYED"
                " & .status.jobStatus.state=FAILING|FAILED|RESTARTING"
            ),
            "Healthy: .status.reconciliationStatus.success=true",
            "Healthy: .status.reconciliationStatus.state=DEPLOYED",
            "Degraded: .status.reconciliationStatus & .status.jobManagerDeploymentStatus=ERROR",
            "Progressing: .status.jobManagerDeploymentStatus=DEPLOYING|DEPLOYED_NOT_READY",
            "Healthy: .spec.job.state=suspended & !.status.reconciliationStatus.lastReconciledSpec",
        ),
    ),
    Row("camel.apache.org", "Integration Pipe IntegrationPlatform", ("Degraded: Ready=False", "Healthy: Ready=True")),
    Row(
        "core.spinkube.dev",
        "SpinApp",
        (
            "Progressing: !.status",
            "Degraded: !Available=True",
            "Progressing: .status.readyReplicas<.spec.replicas?1",
            "Progressing: Progressing=True",
            "Healthy: Available=True",
        ),
        "Degraded",
    ),
    Row("numaflow.numaproj.io", "InterStepBufferService", (*_NUMAFLOW, "Healthy: .status.phase=Running")),
    Row("numaflow.numaproj.io", "Pipeline", (*_NUMAFLOW, "Healthy: .status.phase=Paused|Pausing|Running")),
    Row("numaflow.numaproj.io", "MonoVertex", (*_NUMAFLOW, "Healthy: .status.phase=Paused|Running")),
    Row(
        "numaflow.numaproj.io",
        "Vertex",
        (_NOT_OBSERVED, "Degraded: .status.phase=Failed", "Degraded: *=False", "Healthy: .status.phase=Paused|Running"),
    ),
    Row("serving.knative.dev", "Service", _KNATIVE),
    Row("serving.knative.dev", "*", _KNATIVE_SUM),
    Row("eventing.knative.dev", "*", _KNATIVE_SUM),
    Row("messaging.knative.dev", "*", _KNATIVE_SUM),
    Row("sources.knative.dev", "*", _KNATIVE_SUM),
    Row("flows.knative.dev", "*", _KNATIVE_SUM),
    Row(
        "operator.knative.dev",
        "KnativeEventing",
        (
            "Progressing: Ready=False",
            "Progressing: *=Unknown",
            "Healthy: Ready=True & InstallSucceeded=True",
            "Degraded: .status.conditions",
        ),
    ),
    Row(
        "operator.knative.dev",
        "KnativeServing",
        (
            "Progressing: DeploymentsAvailable=False",
            "Progressing: Ready=False",
            "Progressing: *=Unknown",
            "Healthy: Ready=True & InstallSucceeded=True & DependenciesInstalled=True & DeploymentsAvailable=True",
            "Degraded: .status.conditions",
        ),
    ),
    Row(
        "serving.kserve.io",
        "InferenceService",
        (
            "Suspended: Stopped=True",
            "Progressing: .status.modelStatus.transitionStatus=InProgress",
            "Degraded: .status.modelStatus.transitionStatus & .status.modelStatus.transitionStatus!=UpToDate",
            "Degraded: Ready=False",
            "Degraded: PredictorReady=False",
            "Degraded: IngressReady=False",
            "Progressing: *=Unknown",
            "Healthy: Ready=True",
            "Healthy: PredictorReady=True & IngressReady=True",
        ),
    ),
    Row(
        "serving.kserve.io",
        "LLMInferenceService",
        ("Progressing: stale Ready", "Suspended: */Stopped", "Healthy: Ready=True", "Degraded: Ready=False"),
    ),
    Row(
        "openfaas.com",
        "Function",
        (
            "Degraded: Ready=False",
            "Degraded: Stalled=True",
            "Healthy: Ready=True & .status.replicas>0",
            "Suspended: Ready=True",
        ),
    ),
    Row(
        "game.kruise.io",
        "GameServer",
        (
            "Progressing: .status & .status.currentState!=.status.desiredState",
            "Degraded: some(.status; KruisePodReady!=True)",
            "Healthy: .status.currentState=Ready",
        ),
        "Unknown",
    ),
    Row(
        "game.kruise.io",
        "GameServerSet",
        (
            "Progressing: !.status",
            _NOT_OBSERVED,
            "Suspended: .spec.updateStrategy.rollingUpdate.paused=true",
            (
                "Suspended: .spec.updateStrategy.rollingUpdate.partition>0"
                " & add(.status.updatedReplicas, .spec.updateStrategy.rollingUpdate.partition)>=.status.replicas"
            ),
            "Healthy: .status.updatedReadyReplicas=.status.replicas",
        ),
    ),
    Row("lifecycle.keptn.sh", "KeptnAppVersion KeptnTask KeptnWorkloadInstance KeptnWorkloadVersion", _KEPTN),
    Row(
        "lifecycle.keptn.sh",
        "KeptnEvaluation",
        ("Healthy: .status.overallStatus=Succeeded", "Degraded: .status.overallStatus=Failed"),
    ),
    Row(
        "machinelearning.seldon.io",
        "SeldonDeployment",
        ("Degraded: .status.state=Failed", "Healthy: .status.state=Available"),
    ),
    Row(
        "keda.sh",
        "ScaledObject",
        (
            "Degraded: Ready=False",
            "Degraded: Fallback=True",
            "Suspended: Ready=True & Paused=True",
            "Healthy: Ready=True",
        ),
    ),
    Row(
        "keda.sh", "ScaledJob", ("Degraded: Ready!=True", "Suspended: Ready=True & Paused=True", "Healthy: Ready=True")
    ),
    Row(
        "autoscaling.k8s.io",
        "VerticalPodAutoscaler",
        ("Degraded: NoPodsMatched=True", "Healthy: RecommendationProvided=True"),
    ),
    Row("monitoring.coreos.com", "Prometheus PrometheusAgent Alertmanager ThanosRuler", _AVAILABLE),
    Row(
        "opentelemetry.io",
        "OpenTelemetryCollector",
        (
            "Healthy: .status & !.status.scale.statusReplicas & .spec.mode=sidecar",
            "Progressing: !.status.scale.statusReplicas",
            "Progressing: left(.status.scale.statusReplicas)=unreadable",
            "Healthy: .spec.mode=daemonset & right(.status.scale.statusReplicas)=0",
            "Degraded: left(.status.scale.statusReplicas)=0",
            "Healthy: left(.status.scale.statusReplicas)=right(.status.scale.statusReplicas)",
        ),
    ),
    Row("jaegertracing.io", "Jaeger", ("Healthy: .status.phase=Running", "Degraded: .status.phase=Failed")),
    Row(
        "kubevirt.io",
        "VirtualMachine",
        (
            "Suspended: Paused=True",
            "Healthy: Ready=True",
            # It is stopped because its own spec says so; otherwise somebody has stopped it.
            "Healthy: .spec.running=false & !.status.created=true",
            "Healthy: .spec.runStrategy=Halted & !.status.created=true",
            "Suspended: Ready!=True & !.status.created=true",
        ),
    ),
    Row(
        "kubevirt.io",
        "VirtualMachineInstance",
        (
            "Degraded: .status.phase=Failed",
            "Progressing: .status.phase=Pending|Scheduling|Scheduled",
            "Suspended: .status.phase=Succeeded",
            "Unknown: .status.phase=Unknown",
            "Suspended: Paused=True",
            "Healthy: Ready=True",
            "Degraded: Ready!=True",
        ),
    ),
    Row(
        "cdi.kubevirt.io",
        "DataVolume",
        (
            "Healthy: .status.phase=Succeeded",
            "Degraded: .status.phase=Failed|Unknown",
            "Suspended: .status.phase=Paused",
            "Degraded: Running=False/Error",
        ),
    ),
    Row(
        "k6.io",
        "TestRun K6",
        ("Healthy: .status.stage=finished", "Degraded: .status.stage=error"),
    ),
)
