"""What delivers software: Argo, Flux and their neighbours, builds and pipelines."""

from lastgood.targets.kubernetes.health.table.row import Row

_FLUX_SUSPENDED = "Suspended: .spec.suspend=true"
_FLUX = (
    _FLUX_SUSPENDED,
    "Degraded: Stalled=True",
    "Healthy: Ready=True",
    "Progressing: Ready=Unknown & Reconciling=True",
    "Degraded: Ready",
)
# These read a repository again while they say that they are not ready.
_FLUX_IMAGES = (
    _FLUX_SUSPENDED,
    "Progressing: Ready=False & Reconciling=True/NewGeneration|AccessingRepository|ApplyingPolicy|Scanning",
    "Healthy: Ready=True",
    "Degraded: .status.conditions",
)
_RUN = ("Healthy: Succeeded=True", "Degraded: Succeeded=False", "Progressing: Succeeded")
_PROMOTER = ("Progressing: stale Ready", "Degraded: Ready=False")
_PROMOTER_STRICT = (*_PROMOTER, "Progressing: Ready=Unknown")
_NUMAPLANE_DONE = (
    "Progressing: .metadata.generation!=.status.observedGeneration",
    # An upgrade step by step that failed stays under way: that it failed counts.
    "Degraded: ProgressiveUpgradeSucceeded=False",
    "Progressing: .status.upgradeInProgress",
    "Progressing: .status.phase=Pending",
    "Progressing: current ChildResourcesHealthy=False/Progressing",
    "Degraded: current ChildResourcesHealthy=False",
    "Degraded: .status.phase=Failed",
)

ROWS = (
    Row(
        "argoproj.io",
        "Application",
        tuple(
            f"{health}: .status.health.status={health}"
            for health in ("Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown")
        ),
    ),
    Row(
        "argoproj.io",
        "ApplicationSet",
        (
            "Degraded: ErrorOccurred=True",
            "Degraded: ResourcesUpToDate=False",
            "Progressing: RolloutProgressing=True",
            "Healthy: ResourcesUpToDate=True",
        ),
    ),
    Row(
        "argoproj.io",
        "Rollout",
        (
            "Progressing: !.status.observedGeneration",
            # Older versions write a hash there; a number is a generation.
            "Progressing: .status.observedGeneration<.metadata.generation",
            (
                "Progressing: .spec.workloadRef & .status.workloadObservedGeneration"
                " & .metadata.annotations[rollout.argoproj.io/workload-generation]"
                " & .metadata.annotations[rollout.argoproj.io/workload-generation]!=.status.workloadObservedGeneration"
            ),
            "Degraded: InvalidSpec",
            "Degraded: Progressing/RolloutAborted|ProgressDeadlineExceeded",
            "Degraded: .status.phase=Degraded",
            "Suspended: .spec.paused=true",
            "Suspended: len(.status.pauseConditions)>0",
            "Suspended: .status.phase=Paused",
            "Progressing: .status.phase=Progressing",
            "Healthy: .status.phase=Healthy",
            "Progressing: !.status.currentPodHash",
            "Progressing: .status.updatedReplicas<.spec.replicas?1",
            "Progressing: .status.availableReplicas<.status.updatedReplicas",
            "Progressing: .spec.strategy.blueGreen & .status.blueGreen.activeSelector!=.status.currentPodHash",
            "Progressing: .spec.strategy.blueGreen & .status.stableRS & .status.stableRS!=.status.currentPodHash",
            "Progressing: !.spec.strategy.blueGreen & .status.replicas>.status.updatedReplicas",
            "Healthy: .spec.strategy.blueGreen",
            "Healthy: .status.stableRS=.status.currentPodHash",
            "Healthy: .status.canary.stableRS=.status.currentPodHash",
        ),
    ),
    Row(
        "argoproj.io",
        "AnalysisRun Experiment",
        (
            "Healthy: .status.phase=Successful",
            "Degraded: .status.phase=Failed|Error",
            "Unknown: .status.phase=Inconclusive",
        ),
    ),
    Row(
        "argoproj.io",
        "Workflow",
        (
            "Healthy: .status.phase=Succeeded",
            "Degraded: .status.phase=Failed|Error",
            "Progressing: .status.phase=Pending|Running",
            "Unknown: .status.phase",
        ),
    ),
    Row("argoproj.io", "CronWorkflow", ("Degraded: SpecError=True", "Degraded: SubmissionError=True"), "Healthy"),
    Row("argoproj.io", "EventBus", ("Degraded: Deployed=False", "Healthy: Deployed=True")),
    Row("argoproj.io", "EventSource Sensor", ("Degraded: *=False", "Healthy: Deployed=True")),
    Row(
        "argocd-image-updater.argoproj.io",
        "ImageUpdater",
        ("Degraded: Error=True", "Progressing: Reconciling=True", "Healthy: Ready=True", "Degraded: Ready=False"),
    ),
    Row(
        "promoter.argoproj.io",
        "ArgoCDCommitStatus",
        (*_PROMOTER, "Progressing: !Ready", "Degraded: !.status.applicationsSelected", "Healthy: Ready"),
    ),
    Row(
        "promoter.argoproj.io",
        "ChangeTransferPolicy",
        (
            *_PROMOTER,
            "Progressing: !Ready",
            "Progressing: !.status.active.dry.sha",
            "Progressing: !.status.proposed.dry.sha",
            # A promotion waits for people, for days: the policy itself does what it should.
            "Healthy: Ready",
        ),
    ),
    Row(
        "promoter.argoproj.io",
        "PromotionStrategy",
        (
            *_PROMOTER,
            "Progressing: !Ready",
            "Degraded: !.status.environments",
            "Progressing: some(.status.environments; !.active.dry.sha)",
            "Progressing: some(.status.environments; !.proposed.dry.sha)",
            "Healthy: Ready",
        ),
    ),
    Row("promoter.argoproj.io", "CommitStatus", (*_PROMOTER, "Healthy: Ready")),
    Row(
        "promoter.argoproj.io",
        "PullRequest",
        (
            "Progressing: stale Ready",
            "Progressing: stale Reconciled",
            "Degraded: Ready=False",
            "Degraded: Reconciled=False",
            "Healthy: Ready",
            "Healthy: Reconciled",
        ),
    ),
    Row("promoter.argoproj.io", "ScmProvider ClusterScmProvider GitRepository", (*_PROMOTER_STRICT, "Healthy: Ready")),
    Row(
        "promoter.argoproj.io",
        "TimedCommitStatus GitCommitStatus WebRequestCommitStatus",
        (
            *_PROMOTER_STRICT,
            "Progressing: !Ready",
            "Degraded: some(.status.environments; .phase=failure)",
            "Progressing: some(.status.environments; .phase!=success)",
            "Healthy: Ready",
        ),
    ),
    Row("kustomize.toolkit.fluxcd.io", "Kustomization", _FLUX),
    Row("helm.toolkit.fluxcd.io", "HelmRelease", _FLUX),
    Row("source.toolkit.fluxcd.io", "HelmRepository", (_FLUX_SUSPENDED, "Healthy: .spec.type=oci", *_FLUX[1:])),
    Row("source.toolkit.fluxcd.io", "*", _FLUX),
    Row("source.extensions.fluxcd.io", "*", _FLUX),
    Row("image.toolkit.fluxcd.io", "ImagePolicy ImageRepository", _FLUX_IMAGES),
    Row("image.toolkit.fluxcd.io", "ImageUpdateAutomation", _FLUX),
    Row(
        "notification.toolkit.fluxcd.io",
        "Receiver",
        (_FLUX_SUSPENDED, "Healthy: Ready=True", "Degraded: .status.conditions"),
    ),
    Row("notification.toolkit.fluxcd.io", "Alert Provider", (_FLUX_SUSPENDED, "Degraded: Ready=False"), "Healthy"),
    Row("fluxcd.controlplane.io", "*", _FLUX),
    Row("infra.contrib.fluxcd.io", "Terraform", _FLUX),
    Row(
        "flagger.app",
        "Canary",
        (
            "Degraded: .status.phase=Failed",
            "Progressing: .status.phase=Initializing|Waiting|WaitingPromotion|Progressing|Finalising|Promoting",
            "Healthy: .status.phase=Succeeded|Initialized",
        ),
        "Unknown",
    ),
    Row("tekton.dev", "PipelineRun TaskRun CustomRun Run", _RUN),
    Row(
        "triggers.tekton.dev",
        "EventListener",
        ("Degraded: Ready=False", "Healthy: Ready=True", "Healthy: Available=True"),
    ),
    Row("operator.tekton.dev", "*", ("Healthy: Ready=True", "Progressing: Ready=Unknown", "Degraded: Ready=False")),
    Row(
        "build.openshift.io",
        "Build",
        ("Healthy: .status.phase=Complete", "Degraded: .status.phase=Failed|Error|Cancelled"),
    ),
    Row("kpack.io", "*", ("Healthy: Ready=True", "Progressing: Ready=Unknown", "Degraded: Ready=False")),
    Row(
        "tower.ansible.com",
        "AnsibleJob",
        (
            "Progressing: .status.ansibleJobResult.status=pending",
            "Healthy: .status.isFinished & .status.ansibleJobResult.status=successful",
            "Degraded: .status.isFinished & .status.ansibleJobResult.status=error|failed",
        ),
    ),
    Row("shipwright.io", "BuildRun", _RUN),
    Row(
        "numaplane.numaproj.io",
        "PipelineRollout",
        (
            *_NUMAPLANE_DONE,
            "Suspended: current PipelinePausingOrPaused=True",
            "Healthy: current ChildResourcesHealthy=True & .status.phase=Deployed",
        ),
    ),
    Row(
        "numaplane.numaproj.io",
        "MonoVertexRollout",
        (
            *_NUMAPLANE_DONE,
            "Suspended: current MonoVertexPausingOrPaused=True",
            "Healthy: current ChildResourcesHealthy=True & .status.phase=Deployed",
        ),
    ),
    Row(
        "numaplane.numaproj.io",
        "ISBServiceRollout",
        (*_NUMAPLANE_DONE, "Healthy: current ChildResourcesHealthy=True & .status.phase=Deployed"),
    ),
    Row(
        "numaplane.numaproj.io",
        "NumaflowControllerRollout",
        (
            "Progressing: !.status",
            "Progressing: .metadata.generation!=.status.observedGeneration",
            "Progressing: .status.phase=Pending",
            "Progressing: .status.upgradeInProgress",
            "Degraded: ChildResourcesHealthy=False/Degraded",
            "Degraded: .status.phase=Failed",
            "Progressing: ChildResourcesHealthy=False/Progressing",
            "Healthy: ChildResourcesHealthy=True & .status.phase=Deployed",
        ),
        "Unknown",
    ),
)
