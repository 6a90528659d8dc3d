"""What stands for things outside the cluster: Crossplane, ACK, Config Connector, Azure Service Operator."""

from lastgood.targets.kubernetes.health.table.row import Row

# Configuration that no controller reports on.
_SILENT = (
    "Composition CompositionRevision DeploymentRuntimeConfig ClusterProviderConfig ProviderConfig ProviderConfigUsage"
    " ClusterProviderConfigUsage ControllerConfig EnvironmentConfig StoreConfig Usage ClusterUsage ImageConfig Lock"
)
_CROSSPLANE = (
    "Degraded: LastAsyncOperation=False",
    # Somebody paused it: it is not told what to do, and has not failed.
    "Suspended: Synced=False/ReconcilePaused",
    "Degraded: Synced=False",
    "Healthy: Ready=True",
    "Healthy: Healthy=True",
    "Healthy: Offered=True",
    "Healthy: Established=True",
    "Healthy: ValidPipeline=True",
    "Healthy: RevisionHealthy=True",
)
_PACKAGE = ("Healthy: Installed=True & Healthy=True", "Degraded: .status.conditions")
_CNRM = (
    (
        "Progressing: .metadata.generation & .status.observedGeneration"
        " & .metadata.generation!=.status.observedGeneration"
    ),
    "Healthy: Ready=True/UpToDate",
    "Healthy: *=True/UpToDate",
    "Degraded: */UpdateFailed|DependencyNotFound|DependencyInvalid|ManagementConflict|DeleteFailed",
    "Suspended: */DependencyNotReady",
)

ROWS = (
    Row("pkg.crossplane.io", "Provider Function Configuration", _PACKAGE),
    Row(
        "pkg.crossplane.io",
        "ProviderRevision FunctionRevision ConfigurationRevision",
        (
            "Healthy: Healthy=True",
            "Healthy: RevisionHealthy=True & !Healthy",
            "Degraded: .status.conditions",
        ),
    ),
    Row("*.crossplane.io", _SILENT, ("Healthy: !.status.conditions", *_CROSSPLANE)),
    Row("*.crossplane.io", "*", _CROSSPLANE),
    Row("*.upbound.io", _SILENT, ("Healthy: !.status.conditions", *_CROSSPLANE)),
    Row("*.upbound.io", "*", _CROSSPLANE),
    Row(
        "*.services.k8s.aws",
        "*",
        (
            "Degraded: ACK.Terminal=True",
            "Degraded: ACK.Recoverable=True & ACK.ResourceSynced=False & !Ready",
            "Healthy: Ready=True",
            "Progressing: Ready=False",
            "Healthy: ACK.ResourceSynced=True",
        ),
    ),
    Row("services.k8s.aws", "*", ("Degraded: ACK.Terminal=True", "Healthy: ACK.ResourceSynced=True"), "Healthy"),
    Row(
        "core.cnrm.cloud.google.com",
        "ConfigConnector ConfigConnectorContext",
        (_CNRM[0], "Healthy: .status.healthy=true", "Degraded: .status.healthy=false", *_CNRM[1:]),
    ),
    Row("*.cnrm.cloud.google.com", "*", _CNRM),
    Row(
        "networking.gke.io",
        "ManagedCertificate",
        ("Degraded: some(.status.domainStatus; .status=FailedNotVisible)", "Healthy: .status.certificateStatus=Active"),
    ),
    Row("apigee.cloud.google.com", "*", ("Healthy: .status.state=running",)),
    Row(
        "*.azure.com",
        "*",
        (
            "Healthy: Ready=True",
            "Degraded: Ready=False & Ready/Failed",
            "Degraded: Ready=False/AzureResourceNotFound",
            # Its controller has given up; with other severities it goes on.
            "Degraded: some(.status.conditions; .type=Ready; .status=False; .severity=Error)",
            "Progressing: Ready",
        ),
    ),
    Row(
        "app.terraform.io",
        "Workspace",
        ("Degraded: .status.runStatus=errored|canceled", "Healthy: .status.runStatus=applied|planned_and_finished"),
        "Healthy",
    ),
    Row(
        "pulumi.com",
        "Stack",
        (
            "Degraded: Stalled=True",
            "Progressing: Reconciling=True",
            "Healthy: Ready=True",
            # Before it had conditions.
            "Healthy: !.status.conditions & .status.lastUpdate.state=succeeded",
            "Degraded: !.status.conditions & .status.lastUpdate.state=failed",
        ),
    ),
)
