"""What operators' objects say, state by state: kinds whose rules are more than one condition."""

import datetime as dt

import pytest
import yaml

from lastgood.targets.kubernetes.health import health_of

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)


def conditions(*said: str) -> str:
    """Write conditions: `Ready=False/Reason@1`, written for generation 1."""
    found = []
    for one in said:
        rest, _, generation = one.partition("@")
        kind, _, rest = rest.partition("=")
        status, _, reason = rest.partition("/")
        words = f"type: {kind}, status: '{status}', reason: {reason or 'Because'}, message: so it is"
        found.append("{" + words + (f", observedGeneration: {generation}" if generation else "") + "}")
    return "conditions: [" + ", ".join(found) + "]"


def health(kind: str, status: str, spec: str = "", metadata: str = ""):
    """Judge an object of generation 2. kind: `group/Kind`; the others: what stands between the braces."""
    group, _, name = kind.rpartition("/")
    text = f"""\
apiVersion: {group}/v1
kind: {name}
metadata: {{name: a, generation: 2, {metadata}}}
spec: {{{spec}}}
status: {{{status}}}
"""
    return health_of(yaml.safe_load(text), now=NOW).health


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("promoter.argoproj.io/CommitStatus", conditions("Ready=True@2"), "Healthy"),
        ("promoter.argoproj.io/CommitStatus", conditions("Ready=True"), "Healthy"),
        ("promoter.argoproj.io/CommitStatus", conditions("Ready=True@1"), "Progressing"),
        ("promoter.argoproj.io/CommitStatus", conditions("Ready=False/ReconciliationError@2"), "Degraded"),
        ("promoter.argoproj.io/CommitStatus", conditions("Ready=False/RepositoryNotFound@2"), "Degraded"),
        ("promoter.argoproj.io/ArgoCDCommitStatus", conditions("Ready=False/ApplicationsNotRead@2"), "Degraded"),
        (
            "promoter.argoproj.io/ChangeTransferPolicy",
            "active: {dry: {}}, proposed: {dry: {sha: b}}, " + conditions("Ready=False/PullRequestNotReady@2"),
            "Degraded",
        ),
        (
            "promoter.argoproj.io/ChangeTransferPolicy",
            "active: {dry: {sha: a}}, proposed: {dry: {sha: b}}, " + conditions("Ready=True@2"),
            "Healthy",
        ),
        (
            "promoter.argoproj.io/ChangeTransferPolicy",
            "active: {dry: {sha: a}}, proposed: {dry: {}}, " + conditions("Ready=True@2"),
            "Progressing",
        ),
        (
            "promoter.argoproj.io/PromotionStrategy",
            "environments: [{branch: test, active: {dry: {}}, proposed: {dry: {}}}], "
            + conditions("Ready=False/ChangeTransferPolicyNotReady"),
            "Degraded",
        ),
        (
            "promoter.argoproj.io/PromotionStrategy",
            "environments: [{active: {dry: {sha: a}}, proposed: {dry: {sha: b}}},"
            " {active: {dry: {sha: a}}, proposed: {dry: {sha: a}}}], " + conditions("Ready=True@2"),
            "Healthy",
        ),
        (
            "promoter.argoproj.io/PromotionStrategy",
            "environments: [{active: {dry: {sha: a}}, proposed: {dry: {}}}], " + conditions("Ready=True@2"),
            "Progressing",
        ),
        ("promoter.argoproj.io/PullRequest", conditions("Ready=True@2", "Reconciled=True@1"), "Progressing"),
        ("promoter.argoproj.io/GitRepository", conditions("Ready=Unknown@2"), "Progressing"),
        ("gateway.networking.k8s.io/GatewayClass", conditions("Accepted=True@2"), "Healthy"),
        ("gateway.networking.k8s.io/GatewayClass", conditions("Accepted=True@1"), "Progressing"),
        ("gateway.networking.k8s.io/ListenerSet", conditions("Accepted=True@1", "Programmed=True@2"), "Progressing"),
        (
            "gateway.networking.k8s.io/ListenerSet",
            "listeners: [{name: web}], " + conditions("Accepted=True@2", "Programmed=True@2"),
            "Healthy",
        ),
        ("gateway.envoyproxy.io/Backend", conditions("Accepted=False@2"), "Degraded"),
        ("gateway.envoyproxy.io/Backend", conditions("Accepted=False@1"), "Progressing"),
        ("projectcontour.io/ExtensionService", conditions("Valid=True@2"), "Healthy"),
        ("projectcontour.io/ExtensionService", conditions("Valid=True@1"), "Progressing"),
        ("projectcontour.io/HTTPProxy", "currentStatus: valid, " + conditions("Valid=False@2"), "Degraded"),
        ("projectcontour.io/HTTPProxy", "currentStatus: valid, " + conditions("Valid=True@1"), "Progressing"),
        ("projectcontour.io/HTTPProxy", "currentStatus: valid", "Healthy"),
        ("kro.run/ResourceGraphDefinition", conditions("Ready=True@1"), "Progressing"),
        ("kro.run/ResourceGraphDefinition", conditions("Ready=False@2"), "Degraded"),
        ("kro.run/WebApp", conditions("Ready=True@2"), "Healthy"),
        ("kro.run/WebApp", "state: ERROR, " + conditions("Ready=False@1"), "Progressing"),
        (
            "numaplane.numaproj.io/PipelineRollout",
            "observedGeneration: 2, phase: Deployed, " + conditions("ChildResourcesHealthy=True@2"),
            "Healthy",
        ),
        (
            "numaplane.numaproj.io/PipelineRollout",
            "observedGeneration: 2, phase: Deployed, " + conditions("ChildResourcesHealthy=True@1"),
            "Progressing",
        ),
        (
            "numaplane.numaproj.io/MonoVertexRollout",
            "observedGeneration: 2, phase: Deployed, " + conditions("MonoVertexPausingOrPaused=True@2"),
            "Suspended",
        ),
        ("sql.cnrm.cloud.google.com/SQLInstance", "observedGeneration: 3", "Progressing"),
    ],
)
def test_what_was_said_of_an_earlier_generation_does_not_count(kind, status, expected):
    """A condition that names the generation it was written for speaks of that one."""
    assert health(kind, status) == expected


@pytest.mark.parametrize(
    ("kind", "part", "expected"),
    [
        ("gateway.networking.k8s.io/TLSRoute", conditions("Accepted=True@2", "ResolvedRefs=True@2"), "Healthy"),
        ("gateway.networking.k8s.io/TLSRoute", conditions("Accepted=True@2", "ResolvedRefs=False@2"), "Degraded"),
        ("gateway.networking.k8s.io/TLSRoute", conditions("Accepted=True", "Programmed=Unknown"), "Progressing"),
        ("gateway.networking.k8s.io/TLSRoute", conditions("Accepted=False@1"), "Progressing"),
        ("gateway.networking.k8s.io/BackendTLSPolicy", conditions("Accepted=True@1"), "Progressing"),
        ("gateway.networking.k8s.io/BackendTLSPolicy", conditions("Accepted=True@2"), "Healthy"),
        ("gateway.networking.k8s.io/BackendTLSPolicy", conditions("Accepted=False/Invalid@2"), "Degraded"),
        ("gateway.networking.k8s.io/BackendTLSPolicy", conditions("Accepted=False/TargetNotFound@2"), "Degraded"),
        ("gateway.networking.k8s.io/BackendTLSPolicy", "controllerName: example.com/controller", "Progressing"),
        ("gateway.envoyproxy.io/SecurityPolicy", conditions("Accepted=False@2"), "Degraded"),
        ("gateway.envoyproxy.io/SecurityPolicy", conditions("Accepted=False@1"), "Progressing"),
        ("gateway.envoyproxy.io/SecurityPolicy", conditions("Accepted=True"), "Healthy"),
    ],
)
def test_routes_and_policies_are_judged_by_their_parents(kind, part, expected):
    """Each parent and ancestor has conditions of its own."""
    assert health(kind, f"parents: [{{{part}}}], ancestors: [{{{part}}}]") == expected


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        ("gateway.solo.io/VirtualService", "1", "Healthy"),
        ("gateway.solo.io/VirtualService", "Accepted", "Healthy"),
        ("gateway.solo.io/VirtualService", "Rejected", "Degraded"),
        ("gateway.solo.io/VirtualService", "Warning", "Degraded"),
        ("gloo.solo.io/Upstream", "0", "Progressing"),
        ("gloo.solo.io/Upstream", "Pending", "Progressing"),
        # Nobody reads these until something refers to them.
        ("gateway.solo.io/RouteTable", "Pending", "Suspended"),
        ("gateway.solo.io/RouteOption", "0", "Suspended"),
        ("gateway.solo.io/RouteTable", "Accepted", "Healthy"),
    ],
)
def test_gloo_writes_words_or_numbers(kind, state, expected):
    """Once for the object, or once for each proxy."""
    assert health(kind, f"state: {state}") == expected
    assert health(kind, f"statuses: {{gloo: {{state: {state}}}}}") == expected


@pytest.mark.parametrize(
    ("kind", "status", "spec", "expected"),
    [
        ("trust.cert-manager.io/Bundle", conditions("Synced=Unknown"), "", "Degraded"),
        ("external-secrets.io/ClusterExternalSecret", conditions("NotReady=True", "Ready=True"), "", "Healthy"),
        ("external-secrets.io/ClusterExternalSecret", conditions("Ready=True", "NotReady=True"), "", "Degraded"),
        ("argoproj.io/EventBus", conditions("Configured=False", "Deployed=True"), "", "Healthy"),
        ("argoproj.io/Sensor", conditions("TriggersProvided=False", "Deployed=True"), "", "Degraded"),
        ("capsule.clastix.io/TenantResource", conditions("Ready=True"), "cordoned: true", "Suspended"),
        ("capsule.clastix.io/TenantOwner", conditions("Ready=False"), "", "Degraded"),
        (
            "capsule.clastix.io/ResourcePool",
            "exhaustions: {cpu: {available: 0}}, " + conditions("Ready=True"),
            "",
            "Degraded",
        ),
        ("capsule.clastix.io/ResourcePool", conditions("Ready=True"), "", "Healthy"),
        ("capsule.clastix.io/ResourcePoolClaim", conditions("Ready=True", "Bound=False"), "", "Suspended"),
        ("policy.open-cluster-management.io/CertificatePolicy", "compliant: Compliant", "", "Healthy"),
        ("policy.open-cluster-management.io/CertificatePolicy", "compliant: NonCompliant", "", "Degraded"),
        ("capabilities.3scale.net/DeveloperAccount", conditions("Waiting=True"), "", "Suspended"),
        (
            "capabilities.3scale.net/DeveloperUser",
            "developerUserState: suspended, " + conditions("Ready=True"),
            "",
            "Suspended",
        ),
        ("capabilities.3scale.net/Tenant", "tenantId: 3, adminId: 4, " + conditions("Ready=True"), "", "Healthy"),
        ("capabilities.3scale.net/Tenant", "tenantId: 3, " + conditions("Ready=True"), "", "Progressing"),
        ("grafana-org-operator.kubitus-project.gitlab.io/Organization", conditions("Ready=False"), "", "Degraded"),
        ("operator.knative.dev/KnativeEventing", conditions("InstallSucceeded=True", "Ready=True"), "", "Healthy"),
        (
            "operator.knative.dev/KnativeServing",
            conditions("InstallSucceeded=True", "DeploymentsAvailable=True", "Ready=False"),
            "",
            "Progressing",
        ),
        (
            "serving.kserve.io/InferenceService",
            "modelStatus: {transitionStatus: InProgress}, " + conditions("Ready=True"),
            "",
            "Progressing",
        ),
        (
            "serving.kserve.io/InferenceService",
            "modelStatus: {transitionStatus: BlockedByFailedLoad}, " + conditions("Ready=True"),
            "",
            "Degraded",
        ),
        (
            "serving.kserve.io/InferenceService",
            "modelStatus: {transitionStatus: UpToDate}, " + conditions("Ready=True"),
            "",
            "Healthy",
        ),
        (
            "kubevirt.io/VirtualMachine",
            "printableStatus: Stopped, " + conditions("Ready=False"),
            "running: false",
            "Healthy",
        ),
        ("kubevirt.io/VirtualMachine", conditions("Ready=False"), "runStrategy: Halted", "Healthy"),
        ("kubevirt.io/VirtualMachine", "", "running: false", "Healthy"),
        ("kubevirt.io/VirtualMachine", "created: true, " + conditions("Ready=False"), "running: false", "Progressing"),
        ("kubevirt.io/VirtualMachine", conditions("Ready=False"), "runStrategy: Manual", "Suspended"),
        ("kubevirt.io/VirtualMachine", conditions("Ready=False"), "running: true", "Suspended"),
        ("kubevirt.io/VirtualMachine", "", "running: true", "Progressing"),
        ("core.spinkube.dev/SpinApp", "", "replicas: 2", "Progressing"),
        ("core.spinkube.dev/SpinApp", "readyReplicas: 0, " + conditions("Available=False"), "replicas: 2", "Degraded"),
        ("kubevirt.io/VirtualMachine", conditions("Ready=True", "Paused=True"), "running: false", "Suspended"),
        (
            "projectcontour.io/HTTPProxy",
            "conditions: [{type: Valid, status: 'False', observedGeneration: 2, errors: [{type: IncludeError}]}]",
            "includes: [{name: shop}]",
            "Healthy",
        ),
        (
            "projectcontour.io/HTTPProxy",
            "conditions: [{type: Valid, status: 'False', observedGeneration: 1, errors: [{type: IncludeError}]}]",
            "includes: [{name: shop}]",
            "Progressing",
        ),
        (
            "projectcontour.io/HTTPProxy",
            "conditions: [{type: Valid, status: 'False', errors: [{type: IncludeError}, {type: TLSError}]}]",
            "includes: [{name: shop}]",
            "Degraded",
        ),
        (
            "projectcontour.io/HTTPProxy",
            "conditions: [{type: Valid, status: 'False', errors: [{type: OrphanedError}]}]",
            "",
            "Degraded",
        ),
        ("flink.apache.org/FlinkSessionJob", "jobStatus: {state: FINISHED}", "", "Healthy"),
        ("flink.apache.org/FlinkSessionJob", "jobStatus: {state: CANCELED}", "", "Suspended"),
        ("flink.apache.org/FlinkSessionJob", "error: no such jar", "", "Degraded"),
        (
            "flink.apache.org/FlinkDeployment",
            "reconciliationStatus: {state: DEPLOYED}, jobStatus: {state: RUNNING}",
            "",
            "Healthy",
        ),
        (
            "flink.apache.org/FlinkDeployment",
            "reconciliationStatus: {state: DEPLOYED}, jobStatus: {state: FAILING}",
            "",
            "Progressing",
        ),
        (
            "flink.apache.org/FlinkDeployment",
            "reconciliationStatus: {state: UPGRADING}, jobManagerDeploymentStatus: MISSING",
            "job: {state: suspended}",
            "Healthy",
        ),
        (
            "flink.apache.org/FlinkDeployment",
            "reconciliationStatus: {state: UPGRADING, lastReconciledSpec: x}, jobManagerDeploymentStatus: MISSING",
            "job: {state: suspended}",
            "Progressing",
        ),
        (
            "flink.apache.org/FlinkBlueGreenDeployment",
            "blueGreenState: ACTIVE_BLUE, jobStatus: {state: RUNNING}",
            "",
            "Healthy",
        ),
        (
            "flink.apache.org/FlinkBlueGreenDeployment",
            "blueGreenState: TRANSITIONING_TO_GREEN, jobStatus: {state: RUNNING}",
            "",
            "Progressing",
        ),
        (
            "sparkoperator.k8s.io/SparkApplication",
            "applicationState: {state: RUNNING}, executorState: {a: RUNNING, b: RUNNING}",
            (
                "executor: {instances: 5}, sparkConf: {spark.dynamicAllocation.enabled: 'true', "
                "spark.dynamicAllocation.minExecutors: '2'}"
            ),
            "Healthy",
        ),
        (
            "sparkoperator.k8s.io/SparkApplication",
            "applicationState: {state: RUNNING}, executorState: {a: RUNNING, b: PENDING}",
            (
                "executor: {instances: 5}, sparkConf: {spark.dynamicAllocation.enabled: 'true', "
                "spark.dynamicAllocation.minExecutors: '2'}"
            ),
            "Progressing",
        ),
        ("s3.aws.crossplane.io/Bucket", "", "", "Progressing"),
        ("aws.upbound.io/ProviderConfig", "users: 2", "", "Healthy"),
        ("apiextensions.crossplane.io/Composition", "conditions: []", "", "Healthy"),
        ("pkg.crossplane.io/Lock", "", "", "Healthy"),
        ("pkg.crossplane.io/ProviderRevision", conditions("Healthy=True"), "", "Healthy"),
        ("pkg.crossplane.io/ProviderRevision", conditions("RevisionHealthy=True"), "", "Healthy"),
        ("pkg.crossplane.io/FunctionRevision", conditions("RevisionHealthy=False"), "", "Degraded"),
    ],
)
def test_operators_kinds_are_judged_state_by_state(kind, status, spec, expected):
    """What a status means, operator by operator."""
    assert health(kind, status, spec) == expected


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("postgresql.cnpg.io/Cluster", conditions("cnpg.io/hibernation=True", "Ready=False"), "Suspended"),
        ("postgresql.cnpg.io/Cluster", conditions("cnpg.io/hibernation=False"), "Degraded"),
        (
            "cassandra.datastax.com/CassandraDatacenter",
            "nodeStatuses: {a: {}, b: {}}, " + conditions("Healthy=True"),
            "Degraded",
        ),
        (
            "cassandra.datastax.com/CassandraDatacenter",
            "nodeStatuses: {a: {}, b: {}, c: {}}, " + conditions("Healthy=True"),
            "Healthy",
        ),
        ("cassandra.datastax.com/CassandraDatacenter", "", "Unknown"),
        ("clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation", "status: Completed", "Healthy"),
        ("clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation", "status: InProgress", "Progressing"),
        ("clickhouse.altinity.com/ClickHouseInstallation", "status: Aborted", "Degraded"),
        (
            "kafka.banzaicloud.io/KafkaCluster",
            (
                "state: ClusterRunning, cruiseControlTopicStatus: CruiseControlTopicReady, brokersState: {'0': "
                "{configurationState: ConfigInSync, "
                "gracefulActionState: {cruiseControlState: GracefulUpscaleSucceeded}}}"
            ),
            "Healthy",
        ),
        (
            "kafka.banzaicloud.io/KafkaCluster",
            (
                "state: ClusterRunning, cruiseControlTopicStatus: CruiseControlTopicReady, brokersState: {'0': "
                "{configurationState: ConfigOutOfSync}}"
            ),
            "Degraded",
        ),
        (
            "kafka.banzaicloud.io/KafkaCluster",
            (
                "state: ClusterReconciling, cruiseControlTopicStatus: CruiseControlTopicReady, brokersState: {'0': "
                "{configurationState: ConfigInSync, "
                "gracefulActionState: {cruiseControlState: GracefulUpscaleSucceeded}}}"
            ),
            "Progressing",
        ),
    ],
)
def test_databases_are_judged_state_by_state(kind, status, expected):
    """Three nodes are asked for."""
    assert health(kind, status, "size: 3") == expected


@pytest.mark.parametrize(
    ("refreshed", "expected"), [("2026-11-26T10:00:00Z", "Progressing"), ("2026-11-26T08:00:00Z", "Healthy")]
)
def test_a_secret_read_on_change_is_ready_since_its_last_read(refreshed, expected):
    """External Secrets, `refreshPolicy: OnChange`."""
    ready = "conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-11-26T09:00:00Z'}]"
    status = f"refreshTime: '{refreshed}', {ready}"
    assert health("external-secrets.io/ExternalSecret", status, "refreshPolicy: OnChange") == expected
    assert health("external-secrets.io/ExternalSecret", status) == "Healthy"


_PAUSED = "annotations: {cluster.x-k8s.io/paused: ''}"
_ONE = "replicas: 1, updatedReplicas: 1, readyReplicas: 1"


@pytest.mark.parametrize(
    ("kind", "status", "metadata", "expected"),
    [
        ("cluster.x-k8s.io/Cluster", "phase: Provisioned, " + conditions("Ready=True"), "", "Healthy"),
        ("cluster.x-k8s.io/Cluster", "phase: Provisioned, " + conditions("Ready=True"), _PAUSED, "Suspended"),
        ("cluster.x-k8s.io/Cluster", "phase: Provisioned, " + conditions("RollingOut=True"), "", "Progressing"),
        (
            "cluster.x-k8s.io/Cluster",
            "phase: Provisioned, " + conditions("TopologyReconciled=False"),
            "",
            "Progressing",
        ),
        ("cluster.x-k8s.io/Cluster", conditions("Ready=True"), "", "Healthy"),
        (
            "cluster.x-k8s.io/Cluster",
            "phase: Provisioning, conditions: [{type: Ready, status: 'False', severity: Info}]",
            "",
            "Progressing",
        ),
        (
            "cluster.x-k8s.io/Cluster",
            "phase: Provisioning, conditions: [{type: Ready, status: 'False', severity: Warning}]",
            "",
            "Degraded",
        ),
        ("controlplane.cluster.x-k8s.io/KubeadmControlPlane", _ONE, _PAUSED, "Suspended"),
        ("controlplane.cluster.x-k8s.io/KubeadmControlPlane", _ONE, "", "Healthy"),
        ("controlplane.cluster.x-k8s.io/KubeadmControlPlane", "replicas: 1, readyReplicas: 1", "", "Progressing"),
        ("controlplane.cluster.x-k8s.io/AWSManagedControlPlane", "failureMessage: no role", "", "Degraded"),
    ],
)
def test_cluster_api_tells_waiting_from_failing(kind, status, metadata, expected):
    """A condition of severity Info waits; a paused object does nothing."""
    assert health(kind, status, metadata=metadata) == expected


@pytest.mark.parametrize(("seen", "expected"), [("'7'", "Healthy"), ("'6'", "Progressing")])
def test_a_rollout_of_a_deployment_waits_for_the_change_there(seen, expected):
    """The workload's generation, and the one that the controller has seen; asked before it counts as aborted."""
    done = "observedGeneration: '2', phase: Healthy, workloadObservedGeneration: " + seen
    annotation = "annotations: {rollout.argoproj.io/workload-generation: '7'}"
    assert health("argoproj.io/Rollout", done, "workloadRef: {name: web}", annotation) == expected
    if expected == "Progressing":
        aborted = f"{done}, {conditions('Progressing=False/RolloutAborted')}"
        assert health("argoproj.io/Rollout", aborted, "workloadRef: {name: web}", annotation) == expected


_DEPLOYMENT_CONFIG = "apps.openshift.io/DeploymentConfig"
_ENACTMENT = "nmstate.io/NodeNetworkConfigurationEnactment"


@pytest.mark.parametrize(
    ("kind", "status", "spec", "expected"),
    [
        (
            _DEPLOYMENT_CONFIG,
            "replicas: 2, " + conditions("Available=True", "Progressing=True/NewReplicationControllerAvailable"),
            "replicas: 2",
            "Healthy",
        ),
        (
            _DEPLOYMENT_CONFIG,
            "replicas: 2, " + conditions("Available=True", "Progressing=True/ReplicationControllerUpdated"),
            "replicas: 2",
            "Progressing",
        ),
        (_DEPLOYMENT_CONFIG, "replicas: 0, " + conditions("Available=False"), "replicas: 0", "Healthy"),
        (_DEPLOYMENT_CONFIG, "replicas: 0, " + conditions("Available=False"), "replicas: 2", "Degraded"),
        ("eventing.knative.dev/Broker", conditions("Addressable=False", "Ready=True"), "", "Healthy"),
        ("eventing.knative.dev/Trigger", conditions("Ready=False"), "", "Degraded"),
        ("sources.knative.dev/PingSource", conditions("Deployed=False", "Ready=Unknown"), "", "Progressing"),
        ("serving.kserve.io/LLMInferenceService", conditions("Ready=True@2"), "", "Healthy"),
        ("serving.kserve.io/LLMInferenceService", conditions("Ready=True@1"), "", "Progressing"),
        (
            "serving.kserve.io/LLMInferenceService",
            conditions("RouterReady=False/Stopped", "Ready=False"),
            "",
            "Suspended",
        ),
        ("serving.kserve.io/LLMInferenceService", conditions("Ready=False"), "", "Degraded"),
        ("openfaas.com/Function", "replicas: 1, " + conditions("Ready=True"), "", "Healthy"),
        ("openfaas.com/Function", "replicas: 0, " + conditions("Ready=True"), "", "Suspended"),
        ("openfaas.com/Function", "replicas: 1, " + conditions("Stalled=True", "Ready=Unknown"), "", "Degraded"),
        ("game.kruise.io/GameServer", "currentState: Creating, desiredState: Ready", "", "Progressing"),
        ("game.kruise.io/GameServer", "currentState: Ready, desiredState: Ready", "", "Healthy"),
        (
            "game.kruise.io/GameServer",
            "currentState: Ready, desiredState: Ready, podStatus: {" + conditions("KruisePodReady=False") + "}",
            "",
            "Degraded",
        ),
        ("game.kruise.io/GameServer", "", "", "Unknown"),
        (
            "game.kruise.io/GameServerSet",
            "observedGeneration: 2, replicas: 3, updatedReadyReplicas: 3",
            "",
            "Healthy",
        ),
        (
            "game.kruise.io/GameServerSet",
            "observedGeneration: 2, replicas: 3, updatedReplicas: 1, updatedReadyReplicas: 1",
            "updateStrategy: {rollingUpdate: {partition: 2}}",
            "Suspended",
        ),
        (
            "game.kruise.io/GameServerSet",
            "observedGeneration: 2, replicas: 3, readyReplicas: 1, updatedReadyReplicas: 1",
            "",
            "Progressing",
        ),
        (
            "numaplane.numaproj.io/PipelineRollout",
            "observedGeneration: 2, phase: Deployed, upgradeInProgress: Progressive, "
            + conditions("ChildResourcesHealthy=True@2"),
            "",
            "Progressing",
        ),
        (
            "numaplane.numaproj.io/MonoVertexRollout",
            "observedGeneration: 2, phase: Deployed, upgradeInProgress: Progressive, "
            + conditions("ChildResourcesHealthy=True@2", "ProgressiveUpgradeSucceeded=False@2"),
            "",
            "Degraded",
        ),
        (
            "numaplane.numaproj.io/ISBServiceRollout",
            "observedGeneration: 2, phase: Deployed, " + conditions("ChildResourcesHealthy=False/Progressing@2"),
            "",
            "Progressing",
        ),
        ("lifecycle.keptn.sh/KeptnTask", "status: Failed", "", "Degraded"),
        ("lifecycle.keptn.sh/KeptnAppVersion", "status: Succeeded", "", "Healthy"),
        ("lifecycle.keptn.sh/KeptnEvaluation", "overallStatus: Progressing", "", "Progressing"),
        ("lifecycle.keptn.sh/KeptnEvaluation", "overallStatus: Failed", "", "Degraded"),
        ("objectbucket.io/ObjectBucketClaim", "phase: Bound", "", "Healthy"),
        ("objectbucket.io/ObjectBucketClaim", "phase: Failed", "", "Degraded"),
        ("ocs.openshift.io/StorageCluster", conditions("Available=True", "Progressing=True"), "", "Progressing"),
        ("ocs.openshift.io/StorageCluster", conditions("Available=True", "Degraded=True"), "", "Degraded"),
        ("ocs.openshift.io/StorageCluster", "", "", "Unknown"),
        ("solr.apache.org/SolrCloud", "solrNodes: [{ready: true}, {ready: false}]", "", "Progressing"),
        ("solr.apache.org/SolrCloud", "solrNodes: [{ready: true}, {ready: true}]", "", "Healthy"),
        ("nmstate.io/NodeNetworkConfigurationPolicy", conditions("Degraded=True", "Available=False"), "", "Degraded"),
        ("nmstate.io/NodeNetworkConfigurationPolicy", conditions("Ignored=True"), "", "Suspended"),
        (_ENACTMENT, conditions("Failing=True", "Progressing=True"), "", "Progressing"),
        (_ENACTMENT, conditions("Failing=True", "Progressing=False"), "", "Degraded"),
        (_ENACTMENT, conditions("Aborted=True"), "", "Suspended"),
        ("proclaim.dogmatiq.io/DNSSDServiceInstance", conditions("Adopted=False"), "", "Degraded"),
        (
            "proclaim.dogmatiq.io/DNSSDServiceInstance",
            conditions("Adopted=True", "Discoverable=Unknown/DiscoveryError"),
            "",
            "Unknown",
        ),
        ("proclaim.dogmatiq.io/DNSSDServiceInstance", conditions("Adopted=True", "Discoverable=True"), "", "Healthy"),
        ("kubernetes-client.io/ExternalSecret", "status: 'ERROR, no such key'", "", "Degraded"),
        ("kubernetes-client.io/ExternalSecret", "status: SUCCESS", "", "Healthy"),
        ("iammanager.keikoproj.io/Iamrole", "state: PolicyNotAllowed", "", "Degraded"),
        ("operator.victoriametrics.com/VMCluster", "updateStatus: paused", "", "Suspended"),
        ("operator.victoriametrics.com/VMAgent", "updateStatus: failed, reason: no such volume", "", "Degraded"),
        ("operator.victoriametrics.com/VMRule", "updateStatus: ignored", "", "Healthy"),
        ("hypershift.openshift.io/HostedCluster", conditions("Available=True", "Progressing=True"), "", "Progressing"),
        ("hypershift.openshift.io/HostedCluster", conditions("Available=True", "Progressing=False"), "", "Healthy"),
        ("hypershift.openshift.io/HCPEtcdBackup", conditions("BackupCompleted=False/BackupRejected"), "", "Degraded"),
        (
            "hypershift.openshift.io/HCPEtcdBackup",
            conditions("BackupCompleted=False/BackupInProgress"),
            "",
            "Progressing",
        ),
        (
            "hypershift.openshift.io/HostedControlPlane",
            conditions("Available=True", "Progressing=True"),
            "",
            "Progressing",
        ),
        ("hypershift.openshift.io/ControlPlaneComponent", conditions("Available=False"), "", "Degraded"),
        ("hypershift.openshift.io/ControlPlaneComponent", conditions("Available=True"), "", "Progressing"),
        ("hypershift.openshift.io/NodePool", conditions("Ready=True", "ValidReleaseImage=False"), "", "Degraded"),
        ("hypershift.openshift.io/NodePool", conditions("Ready=True", "UpdatingConfig=True"), "", "Progressing"),
        ("hypershift.openshift.io/HCPEtcdBackup", conditions("BackupCompleted=False/EtcdUnhealthy"), "", "Progressing"),
        ("hypershift.openshift.io/HCPEtcdBackup", conditions("BackupCompleted=False/BackupFailed"), "", "Degraded"),
        ("hypershift.openshift.io/AWSEndpointService", conditions("AWSEndpointAvailable=True"), "", "Progressing"),
        (
            "hypershift.openshift.io/AzurePrivateLinkService",
            conditions("AzurePrivateLinkServiceAvailable=False/AzureError"),
            "",
            "Degraded",
        ),
        (
            "hypershift.openshift.io/GCPPrivateServiceConnect",
            conditions("GCPPrivateServiceConnectAvailable=True"),
            "",
            "Healthy",
        ),
        ("datasciencecluster.opendatahub.io/DataScienceCluster", "phase: Error, errorMessage: no", "", "Degraded"),
        ("dscinitialization.opendatahub.io/DSCInitialization", "phase: Ready", "", "Healthy"),
        ("rhdh.redhat.com/Backstage", conditions("Deployed=False"), "", "Degraded"),
        ("rds.aws.crossplane.io/DBCluster", conditions("Ready=True", "Synced=False/ReconcilePaused"), "", "Suspended"),
        ("rds.aws.crossplane.io/DBCluster", conditions("Ready=True", "Synced=False/ReconcileError"), "", "Degraded"),
        ("pulumi.com/Stack", "lastUpdate: {state: failed}, " + conditions("Ready=True"), "", "Healthy"),
        (
            "pulumi.com/Stack",
            "lastUpdate: {state: failed}, " + conditions("Reconciling=True", "Ready=False"),
            "",
            "Progressing",
        ),
        ("pulumi.com/Stack", "lastUpdate: {state: failed}", "", "Degraded"),
        (
            "operators.coreos.com/Subscription",
            "installedCSV: x.v1, " + conditions("InstallPlanPending=True/Installing"),
            "installPlanApproval: Manual",
            "Progressing",
        ),
        (
            "operators.coreos.com/Subscription",
            "installedCSV: x.v1, " + conditions("InstallPlanPending=True/RequiresApproval"),
            "installPlanApproval: Manual",
            "Healthy",
        ),
    ],
)
def test_what_they_say_means_this(kind, status, spec, expected):
    """One case for each word that a kind has, in the kinds that were read last."""
    assert health(kind, status, spec) == expected


@pytest.mark.parametrize(
    ("kind", "status", "spec", "expected"),
    [
        # Cluster API since v1beta2: `upToDateReplicas`, and Available in the place of Ready.
        (
            "cluster.x-k8s.io/MachineDeployment",
            "phase: Running, replicas: 3, readyReplicas: 3, upToDateReplicas: 3",
            "",
            "Healthy",
        ),
        (
            "cluster.x-k8s.io/MachineDeployment",
            "phase: Running, replicas: 3, readyReplicas: 3, upToDateReplicas: 1",
            "",
            "Progressing",
        ),
        ("cluster.x-k8s.io/MachineDeployment", "phase: Failed, replicas: 3", "", "Degraded"),
        ("cluster.x-k8s.io/MachineSet", "replicas: 2, readyReplicas: 2", "replicas: 2", "Healthy"),
        ("cluster.x-k8s.io/MachineSet", "replicas: 2, readyReplicas: 1", "replicas: 2", "Progressing"),
        ("cluster.x-k8s.io/MachineSet", "replicas: 1, readyReplicas: 1", "replicas: 0", "Progressing"),
        ("cluster.x-k8s.io/MachineSet", "replicas: 0", "replicas: 0", "Healthy"),
        ("cluster.x-k8s.io/MachineSet", "failureMessage: no template", "replicas: 2", "Degraded"),
        ("cluster.x-k8s.io/MachineSet", "", "replicas: 0", "Progressing"),
        (
            "controlplane.cluster.x-k8s.io/KubeadmControlPlane",
            "replicas: 3, readyReplicas: 3, upToDateReplicas: 3, " + conditions("MachinesUpToDate=True"),
            "",
            "Healthy",
        ),
        (
            "controlplane.cluster.x-k8s.io/KubeadmControlPlane",
            "replicas: 3, readyReplicas: 3, upToDateReplicas: 2",
            "",
            "Progressing",
        ),
        (
            "controlplane.cluster.x-k8s.io/KubeadmControlPlane",
            "replicas: 3, readyReplicas: 3, upToDateReplicas: 3, " + conditions("MachinesUpToDate=False"),
            "",
            "Progressing",
        ),
        ("cluster.x-k8s.io/Cluster", "phase: Provisioned, " + conditions("Available=False"), "", "Progressing"),
        ("cluster.x-k8s.io/Cluster", "phase: Provisioned, " + conditions("Available=True"), "", "Healthy"),
        # A part that is only informative is False in a revision that was scaled to nothing.
        ("serving.knative.dev/Revision", conditions("Active=False/NoTraffic", "Ready=True"), "", "Healthy"),
        ("serving.knative.dev/Revision", conditions("ContainerHealthy=False", "Ready=False"), "", "Degraded"),
        ("serving.knative.dev/Service", conditions("RoutesReady=False", "Ready=Unknown"), "", "Degraded"),
        # The topic operator says what is wrong in Ready itself; whoever asks for a pause gets one.
        ("kafka.strimzi.io/KafkaTopic", conditions("Ready=False/ResourceConflict"), "", "Degraded"),
        ("kafka.strimzi.io/KafkaConnect", conditions("ReconciliationPaused=True"), "", "Suspended"),
        ("kafka.strimzi.io/Kafka", conditions("ReconciliationPaused=True"), "", "Suspended"),
        ("db.atlasgo.io/AtlasSchema", conditions("Ready=False/GettingDevDB"), "", "Progressing"),
        ("db.atlasgo.io/AtlasSchema", conditions("Ready=False/ApplyingSchema"), "", "Degraded"),
        ("velero.io/Schedule", "phase: Enabled", "paused: true", "Suspended"),
        ("velero.io/Schedule", "phase: FailedValidation", "paused: true", "Degraded"),
        ("monitoring.coreos.com/Prometheus", conditions("Available=True", "Reconciled=False"), "", "Degraded"),
        ("monitoring.coreos.com/Alertmanager", conditions("Available=True", "Reconciled=True"), "", "Healthy"),
        (
            "storage.azure.com/StorageAccount",
            "conditions: [{type: Ready, status: 'False', severity: Error, reason: InvalidParameter}]",
            "",
            "Degraded",
        ),
        (
            "storage.azure.com/StorageAccount",
            "conditions: [{type: Ready, status: 'False', severity: Warning, reason: WaitingForOwner}]",
            "",
            "Progressing",
        ),
        (
            "postgresql.cnpg.io/Cluster",
            "phase: Cluster cannot proceed to reconciliation due to an error while interacting with plugins, "
            + conditions("Ready=False"),
            "",
            "Degraded",
        ),
    ],
)
def test_what_their_controllers_write_while_they_fail_or_wait(kind, status, spec, expected):
    """States that are in no list of examples, as the controllers themselves write them."""
    assert health(kind, status, spec) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("availableNodes: 3, phase: Ready, health: green", "Healthy"),
        ("availableNodes: 3, phase: Ready, health: yellow", "Progressing"),
        ("availableNodes: 3, phase: Ready, health: red", "Degraded"),
        ("availableNodes: 2, phase: Ready, health: green", "Progressing"),
        ("phase: ApplyingChanges, health: unknown", "Progressing"),
        ("phase: Ready, health: red", "Degraded"),
        ("phase: Ready, health: unknown", "Progressing"),
        ("phase: Invalid", "Degraded"),
        ("", "Unknown"),
    ],
)
def test_an_elasticsearch_without_a_count_of_nodes_has_none(status, expected):
    """Its controller leaves a count of 0 out; replicas that are not placed yet are no failure."""
    found = health("elasticsearch.k8s.elastic.co/Elasticsearch", status, "nodeSets: [{count: 1}, {count: 2}]")

    assert found == expected
