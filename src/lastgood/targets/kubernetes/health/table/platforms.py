"""What clusters are run and governed with: secrets, policies, nodes, clusters, virtual control planes, operators."""

from lastgood.targets.kubernetes.health.table.row import Row

_READY = ("Healthy: Ready=True", "Degraded: Ready=False")
_3SCALE = (
    "Degraded: Failed=True",
    "Degraded: Invalid=True",
    "Degraded: Orphan=True",
    "Healthy: Ready=True",
    "Healthy: Synced=True",
)
_KYVERNO = (
    "Progressing: some(.status.conditionStatus.conditions; .observedGeneration<$.metadata.generation)",
    "Healthy: .status.conditionStatus.ready=true",
    "Degraded: .status.conditionStatus",
)
_CAPI_PAUSED = "Suspended: .metadata.annotations[cluster.x-k8s.io/paused]^="

ROWS = (
    Row(
        "external-secrets.io",
        "ExternalSecret",
        (
            # It reads only after a change: what it said before the last refresh is not of that one.
            (
                "Progressing: .spec.refreshPolicy=OnChange"
                " & some(.status.conditions; .type=Ready; .lastTransitionTime<$.status.refreshTime)"
            ),
            "Degraded: Ready=False",
            "Healthy: Ready=True",
        ),
    ),
    Row(
        "external-secrets.io",
        "PushSecret SecretStore ClusterSecretStore",
        ("Degraded: Ready=False", "Healthy: Ready=True"),
    ),
    Row("external-secrets.io", "ClusterPushSecret", ("Degraded: Ready=False", "Healthy: Ready=True")),
    Row(
        "external-secrets.io",
        "ClusterExternalSecret",
        # Its controller appends conditions and takes none back: the last one counts.
        (
            "Healthy: .status.conditions[last].type=Ready & .status.conditions[last].status=True",
            "Degraded: .status.conditions[last].type=PartiallyReady|NotReady & .status.conditions[last].status=True",
            "Degraded: .status.conditions[last].type=Ready & .status.conditions[last].status=False",
        ),
    ),
    Row("generators.external-secrets.io", "*", (), "Healthy"),
    Row("bitnami.com", "SealedSecret", ("Degraded: Synced=False", "Healthy: Synced=True")),
    Row("onepassword.com", "OnePasswordItem", _READY),
    Row("secrets.hashicorp.com", "VaultStaticSecret", ("Healthy: .status.secretMAC",), "Degraded"),
    Row(
        "secrets.hashicorp.com",
        "*",
        (
            "Degraded: .status.valid=false",
            "Degraded: .status.error",
            "Degraded: Ready=False",
            "Degraded: SecretSynced=False",
            "Healthy: Ready=True",
            "Healthy: SecretSynced=True",
            "Healthy: .status.valid=true",
        ),
        "Healthy",
    ),
    Row("clustersecret.io", "ClusterSecret", (), "Healthy"),
    Row(
        "kubernetes-client.io",
        "ExternalSecret",
        ("Healthy: .status.status=SUCCESS", "Degraded: .status.status^=ERROR"),
    ),
    Row(
        "iammanager.keikoproj.io",
        "Iamrole",
        (
            "Healthy: .status.state=Ready",
            "Degraded: .status.state=Error|RolesMaxLimitReached|PolicyNotAllowed|RoleNameNotAvailable",
        ),
    ),
    Row(
        "operator.victoriametrics.com",
        "*",
        (
            # Ignored is a rule or scrape config that nothing selects: no more will become of it.
            "Healthy: .status.updateStatus=operational|ignored",
            "Progressing: .status.updateStatus=expanding",
            "Suspended: .status.updateStatus=paused",
            "Degraded: .status.updateStatus=failed",
        ),
    ),
    Row(
        "addons.projectcapsule.dev", "*", ("Healthy: Ready=True", "Degraded: Ready=False", "Progressing: Ready=Unknown")
    ),
    Row("capsule.clastix.io", "*", _READY),
    Row("capsule.clastix.io", "TenantResource GlobalTenantResource", ("Suspended: .spec.cordoned=true", *_READY)),
    Row("capsule.clastix.io", "ResourcePool", ("Degraded: .status.exhaustions", *_READY)),
    Row("capsule.clastix.io", "ResourcePoolClaim", ("Suspended: Bound=False", *_READY)),
    Row(
        "capsule.clastix.io",
        "Tenant",
        (
            "Suspended: Cordoned=True",
            "Degraded: Ready=False",
            "Healthy: Ready=True",
            "Suspended: .status.state=Cordoned",
            "Healthy: .status.state=Active",
        ),
    ),
    Row("kyverno.io", "ClusterPolicy", ("Healthy: Ready=True", "Degraded: Ready")),
    Row("kyverno.io", "Policy", ("Healthy: Ready=True/Succeeded",)),
    Row("kyverno.io", "CleanupPolicy ClusterCleanupPolicy", _READY, "Healthy"),
    Row("policies.kyverno.io", "*", _KYVERNO),
    Row("constraints.gatekeeper.sh", "*", ("Degraded: some(.status.byPod; .enforced=false)",), "Healthy"),
    Row(
        "templates.gatekeeper.sh",
        "ConstraintTemplate",
        ("Degraded: some(.status.byPod; .errors)", "Healthy: .status.created=true"),
    ),
    Row(
        "policy.open-cluster-management.io",
        "Policy",
        (
            "Healthy: .spec.disabled=true",
            "Healthy: !.status.compliant & !.status.status & len(.status.placement)>0",
            "Progressing: !.status.compliant",
            "Healthy: .status.compliant=Compliant",
            "Degraded: .status.compliant",
        ),
    ),
    Row(
        "policy.open-cluster-management.io",
        "CertificatePolicy",
        ("Progressing: !.status.compliant", "Healthy: .status.compliant=Compliant", "Degraded: .status.compliant"),
    ),
    Row(
        "policy.open-cluster-management.io",
        "ConfigurationPolicy",
        (
            "Progressing: !.status.compliant",
            "Progressing: .status.lastEvaluatedGeneration!=.metadata.generation",
            "Progressing: !.status.compliancyDetails",
            "Healthy: .status.compliant=Compliant",
            "Degraded: .status.compliant",
        ),
    ),
    Row("policy.open-cluster-management.io", "OperatorPolicy", ("Healthy: Compliant=True", "Degraded: Compliant")),
    Row(
        "work.open-cluster-management.io",
        "ManifestWork",
        ("Degraded: Applied=False", "Healthy: Available=True", "Progressing: Available"),
    ),
    Row(
        "cluster.open-cluster-management.io",
        "ManagedCluster",
        ("Degraded: ManagedClusterConditionAvailable!=True", "Healthy: ManagedClusterConditionAvailable=True"),
    ),
    Row(
        "operators.coreos.com",
        "Subscription",
        (
            "Degraded: InstallPlanMissing/!ReferencedInstallPlanNotFound",
            "Degraded: CatalogSourcesUnhealthy=True",
            "Degraded: InstallPlanFailed=True",
            "Degraded: ResolutionFailed=True",
            # What is installed runs on, and the next one waits for a person.
            (
                "Healthy: .spec.installPlanApproval=Manual & .status.installedCSV"
                " & InstallPlanPending=True/RequiresApproval"
            ),
            "Progressing: InstallPlanPending=True",
            "Healthy: .status.conditions",
        ),
    ),
    Row(
        "operators.coreos.com",
        "ClusterServiceVersion",
        ("Healthy: .status.phase=Succeeded", "Degraded: .status.phase=Failed|Unknown"),
    ),
    Row(
        "operators.coreos.com",
        "InstallPlan",
        (
            "Healthy: .status.phase=Complete",
            "Degraded: .status.phase=Failed",
            "Suspended: .status.phase=RequiresApproval",
        ),
    ),
    Row(
        "operators.coreos.com",
        "CatalogSource",
        (
            "Healthy: .status.connectionState.lastObservedState=READY",
            "Degraded: .status.connectionState.lastObservedState=TRANSIENT_FAILURE",
        ),
    ),
    Row(
        "config.openshift.io",
        "ClusterOperator ClusterVersion",
        (
            "Degraded: Degraded=True",
            "Degraded: Failing=True",
            "Progressing: Progressing=True",
            "Healthy: Available=True",
            "Degraded: Available=False",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "HostedCluster",
        # It stays available while it is upgraded.
        ("Degraded: Degraded=True", "Progressing: Progressing=True", "Healthy: Available=True"),
    ),
    Row(
        "hypershift.openshift.io",
        "HostedControlPlane",
        (
            "Degraded: Degraded=True",
            "Progressing: Progressing=True",
            "Healthy: Available=True",
            "Healthy: .status.ready=true",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "ControlPlaneComponent",
        (
            "Degraded: Available=False",
            "Progressing: RolloutComplete=False",
            "Healthy: Available=True & RolloutComplete=True",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "NodePool",
        (
            *(
                f"Degraded: {name}=False"
                for name in (
                    "ValidGeneratedPayload",
                    "ValidPlatformImage",
                    "ValidReleaseImage",
                    "ValidMachineConfig",
                    "ValidTuningConfig",
                    "ValidPlatformConfig",
                    "ValidMachineTemplate",
                    "UpdateManagementEnabled",
                    "SupportedVersionSkew",
                )
            ),
            "Progressing: UpdatingVersion=True",
            "Progressing: UpdatingConfig=True",
            "Healthy: Ready=True",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "HCPEtcdBackup",
        (
            "Healthy: BackupCompleted=True",
            "Degraded: BackupCompleted/BackupFailed|BackupRejected",
            "Progressing: BackupCompleted",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "AWSEndpointService",
        ("Degraded: *=False/AWSError", "Healthy: AWSEndpointServiceAvailable=True & AWSEndpointAvailable=True"),
    ),
    Row(
        "hypershift.openshift.io",
        "AzurePrivateLinkService",
        (
            "Healthy: AzurePrivateLinkServiceAvailable=True",
            "Degraded: AzurePrivateLinkServiceAvailable/AzureError",
            "Progressing: AzurePrivateLinkServiceAvailable",
        ),
    ),
    Row(
        "hypershift.openshift.io",
        "GCPPrivateServiceConnect",
        (
            "Healthy: GCPPrivateServiceConnectAvailable=True",
            "Degraded: GCPPrivateServiceConnectAvailable/GCPError",
            "Progressing: GCPPrivateServiceConnectAvailable",
        ),
    ),
    *(
        Row(group, kind, ("Healthy: .status.phase=Ready", "Degraded: .status.phase=Error"))
        for group, kind in (
            ("datasciencecluster.opendatahub.io", "DataScienceCluster"),
            ("dscinitialization.opendatahub.io", "DSCInitialization"),
        )
    ),
    Row("rhdh.redhat.com", "Backstage", ("Healthy: Deployed=True", "Degraded: Deployed=False")),
    Row(
        "machineconfiguration.openshift.io",
        "MachineConfigPool",
        (
            "Degraded: Degraded=True",
            "Suspended: .spec.paused=true",
            "Progressing: Updating=True",
            "Healthy: Updated=True",
        ),
    ),
    Row(
        "cluster.x-k8s.io",
        "Cluster",
        (
            "Suspended: .spec.paused=true",
            _CAPI_PAUSED,
            # What it waits for has the severity Info; newer versions have no severities and no Ready.
            "Degraded: some(.status.conditions; .type=Ready; .status=False; .severity!=Info)",
            "Degraded: .status.phase=Failed",
            "Progressing: RollingOut=True",
            "Progressing: TopologyReconciled=False",
            "Progressing: Available!=True",
            "Healthy: .status.phase=Provisioned",
            "Healthy: Ready=True & !.status.phase",
        ),
    ),
    Row("cluster.x-k8s.io", "Machine", ("Healthy: .status.phase=Running", "Degraded: .status.phase=Failed")),
    Row(
        "cluster.x-k8s.io",
        "MachineDeployment",
        (
            "Suspended: .spec.paused=true",
            "Degraded: .status.phase=Failed",
            (
                "Healthy: .status.phase=Running"
                " & .status.replicas=.status.updatedReplicas & .status.replicas=.status.readyReplicas"
            ),
            # Its name since v1beta2.
            (
                "Healthy: .status.phase=Running"
                " & .status.replicas=.status.upToDateReplicas & .status.replicas=.status.readyReplicas"
            ),
        ),
    ),
    # It has no phase.
    Row(
        "cluster.x-k8s.io",
        "MachineSet",
        (
            _CAPI_PAUSED,
            "Degraded: .status.failureMessage",
            "Progressing: .status.replicas>.spec.replicas?1",
            "Progressing: .status.readyReplicas<.spec.replicas?1",
            "Healthy: .status",
        ),
    ),
    Row(
        "cluster.x-k8s.io",
        "MachineHealthCheck",
        (
            "Healthy: .status & .status.expectedMachines=.status.currentHealthy",
            "Degraded: .status.currentHealthy",
            "Degraded: .status.currentHealthy=0",
        ),
    ),
    Row(
        "cluster.x-k8s.io",
        "MachinePool",
        ("Healthy: .status.phase=Running|Scaling", "Degraded: .status.phase=Failed|Unknown"),
    ),
    Row(
        "addons.cluster.x-k8s.io",
        "ClusterResourceSet",
        ("Healthy: ResourcesApplied=True", "Degraded: ResourcesApplied=False"),
    ),
    Row("addons.cluster.x-k8s.io", "HelmChartProxy HelmReleaseProxy", _READY),
    Row(
        "controlplane.cluster.x-k8s.io",
        "KubeadmControlPlane",
        (
            "Progressing: !.status",
            _CAPI_PAUSED,
            "Degraded: EtcdClusterHealthy!=True",
            "Progressing: some(.status; MachinesReady!=True)",
            "Progressing: MachinesReady=False",
            "Progressing: some(.status; MachinesUpToDate!=True)",
            "Progressing: some(.status; RollingOut=True)",
            "Progressing: ControlPlaneComponentsHealthy!=True",
            "Progressing: RollingOut=True",
            "Progressing: MachinesUpToDate!=True",
            (
                "Progressing: .status.replicas>0"
                " & .status.updatedReplicas<.status.replicas & .status.upToDateReplicas<.status.replicas"
            ),
            "Progressing: .status.replicas!=.status.readyReplicas",
        ),
        "Healthy",
    ),
    Row(
        "controlplane.cluster.x-k8s.io",
        "*",
        (
            "Suspended: .spec.paused=true",
            _CAPI_PAUSED,
            "Degraded: .status.failureMessage",
            "Progressing: EKSControlPlaneUpdating=True",
            "Healthy: Ready=True",
            "Healthy: Available=True",
            "Degraded: some(.status.conditions; .status=False; .severity=Error)",
        ),
    ),
    Row(
        "bootstrap.cluster.x-k8s.io",
        "*",
        ("Degraded: .status.failureMessage", "Healthy: Ready=True", "Healthy: .status.ready=true"),
    ),
    Row(
        "infrastructure.cluster.x-k8s.io",
        "*",
        ("Degraded: .status.failureMessage", "Healthy: Ready=True", "Healthy: .status.ready=true"),
        "Progressing",
    ),
    Row(
        "karpenter.sh",
        "NodePool",
        ("Degraded: Ready=False", "Healthy: Ready=True", "Degraded: NodeClassReady=False"),
    ),
    Row("karpenter.sh", "NodeClaim", ("Suspended: Disrupting=True", "Healthy: Ready=True", "Degraded: Ready=False")),
    *(
        Row(
            group,
            "EC2NodeClass AKSNodeClass GCENodeClass",
            (
                "Degraded: Ready=False",
                "Healthy: Ready=True",
                "Degraded: SubnetsReady=False",
                "Degraded: SecurityGroupsReady=False",
                "Degraded: ValidationSucceeded=False",
            ),
        )
        for group in ("karpenter.k8s.aws", "karpenter.sh", "karpenter.azure.com", "karpenter.k8s.gcp")
    ),
    Row(
        "work.karmada.io",
        "ResourceBinding ClusterResourceBinding",
        (
            "Progressing: !.status",
            "Progressing: len(.spec.clusters)=0",
            "Progressing: len(.spec.clusters)!=len(.status.aggregatedStatus)",
            "Degraded: some(.status.aggregatedStatus; .health=Unhealthy)",
            "Degraded: some(.status.aggregatedStatus; .health=Unknown; .applied!=true)",
        ),
        "Healthy",
    ),
    Row("work.karmada.io", "Work", ("Healthy: Applied=True", "Degraded: Applied=False")),
    Row(
        "apps.3scale.net",
        "APIManager",
        (
            "Healthy: .status.deployments.ready & !.status.deployments.starting & !.status.deployments.stopped",
            "Healthy: Available=True",
            "Degraded: Available!=True/!",
        ),
    ),
    Row(
        "capabilities.3scale.net",
        "Application",
        (
            "Suspended: .status.state=suspended",
            "Healthy: Ready=True",
            "Progressing: .status.adminId>0",
            "Degraded: Ready",
        ),
    ),
    Row(
        "capabilities.3scale.net",
        "ProxyConfigPromote",
        ("Healthy: Ready=True", "Progressing: In-progress=True", "Degraded: Failed=True"),
    ),
    Row("capabilities.3scale.net", "DeveloperAccount", (*_3SCALE, "Suspended: Waiting=True")),
    Row("capabilities.3scale.net", "DeveloperUser", ("Suspended: .status.developerUserState=suspended", *_3SCALE)),
    Row(
        "capabilities.3scale.net",
        "Tenant",
        ("Healthy: Ready=True & .status.tenantId>0 & .status.adminId>0", "Degraded: Ready!=True"),
    ),
    Row("capabilities.3scale.net", "*", _3SCALE),
    Row(
        "k8s.keycloak.org",
        "Keycloak",
        ("Degraded: HasErrors=True & !Ready=True", "Healthy: Ready=True", "Degraded: HasErrors=True"),
    ),
    Row("k8s.keycloak.org", "KeycloakRealmImport", ("Degraded: HasErrors=True", "Healthy: Done=True")),
    Row("keycloak.org", "*", ("Healthy: .status.ready=true", "Degraded: .status.phase=failing|failed")),
    Row("grafana-org-operator.kubitus-project.gitlab.io", "*", _READY),
    Row(
        "grafana.integreatly.org",
        "Grafana",
        (
            "Progressing: !.status.stageStatus",
            "Degraded: .status.stageStatus=failed",
            "Healthy: .status.stage=complete & .status.stageStatus=success",
        ),
    ),
    Row(
        "grafana.integreatly.org",
        "GrafanaDatasource",
        (
            "Progressing: !.status",
            "Progressing: .status.uid=",
            "Degraded: .status.NoMatchingInstances=true",
            "Healthy: .status",
        ),
    ),
    Row("grafana.integreatly.org", "GrafanaDashboard", ("Degraded: *=False", "Healthy: *=True")),
    Row(
        "grafana.integreatly.org",
        "*",
        (
            "Degraded: FolderUIDMismatch=True",
            "Healthy: FolderUIDMismatch=False & *=True",
            "Degraded: *=False",
            "Healthy: *=True",
        ),
    ),
    Row("datadoghq.com", "DatadogMetric", ("Degraded: Error=True", "Degraded: Valid=False"), "Healthy"),
    Row(
        "datadoghq.com",
        "DatadogMonitor DatadogSLO",
        ("Degraded: Error=True", "Healthy: Active=True", "Healthy: Created=True"),
    ),
    Row(
        "datadoghq.com", "DatadogAgent", ("Degraded: *=True/DatadogAgent_error", "Healthy: DatadogAgentReconcile=True")
    ),
    Row("coralogix.com", "*", ("Healthy: RemoteSynced=True", "Degraded: RemoteSynced=False")),
    Row("kiali.io", "Kiali", ("Healthy: Successful=True", "Degraded: Failure=True", "Progressing: Running=True")),
    Row("serving.cloud.sap.com", "*", _READY),
    Row(
        "services.cloud.sap.com",
        "ServiceInstance ServiceBinding",
        ("Degraded: Succeeded=False", "Degraded: Failed=True", "Healthy: .status.conditions"),
    ),
    Row(
        "sloth.slok.dev",
        "PrometheusServiceLevel",
        ("Healthy: .status.promOpRulesGenerated=true", "Degraded: .status.promOpRulesGenerated=false"),
    ),
    Row("tailscale.com", "*", ("Degraded: *=False", "Healthy: *=True")),
    Row(
        "kro.run",
        "ResourceGraphDefinition",
        ("Healthy: current Ready=True", "Degraded: current *=False"),
    ),
    Row(
        "kro.run",
        "*",
        (
            "Healthy: current Ready=True",
            "Degraded: .status.state=FAILED|ERROR & current *=False",
            "Healthy: !.status.conditions & .status.state=ACTIVE",
        ),
    ),
    Row("rbacmanager.reactiveops.io", "RBACDefinition", (), "Healthy"),
    Row(
        "nvidia.com",
        "ClusterPolicy",
        ("Healthy: .status.state=ready", "Progressing: .status.state=notReady", "Suspended: .status.state=ignored"),
    ),
)
