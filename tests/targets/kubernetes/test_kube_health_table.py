"""The table of operators' kinds: every row can be read, and says what the operators' documentation says."""

import datetime as dt
from collections import Counter

import pytest
import yaml

from lastgood.targets.kubernetes.health import health_of
from lastgood.targets.kubernetes.health.built_in import BUILT_IN, POD
from lastgood.targets.kubernetes.health.table import ROWS, row_of
from lastgood.targets.kubernetes.health.table.row import read_rule
from lastgood.targets.kubernetes.health.table.test import parse_test, scope_of

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)


def conditions(*said: str) -> str:
    """Write conditions: `Ready=False/Reason`."""
    found = []
    for one in said:
        kind, _, rest = one.partition("=")
        status, _, reason = rest.partition("/")
        found.append(f"{{type: {kind}, status: '{status}', reason: {reason or 'Because'}, message: so it is}}")
    return "{conditions: [" + ", ".join(found) + "]}"


def judged(kind: str, status: str, spec: str = "{}", metadata: str = "{name: a, generation: 2}"):
    group, _, name = kind.rpartition("/")
    text = f"apiVersion: {group}/v1\nkind: {name}\nmetadata: {metadata}\nspec: {spec}\nstatus: {status}"
    return health_of(yaml.safe_load(text), now=NOW)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.group}/{row.kinds.split()[0]}")
def test_every_row_can_be_read(row):
    """No rule is misspelt: rules are read when they are asked, and none may fail then."""
    for rule in row.rules:
        for test in read_rule(rule)[1]:
            parse_test(test)(scope_of({}))


def test_no_kind_has_two_rows():
    """One answer for each kind, and built-in kinds are no rows."""
    kinds = Counter((row.group, kind) for row in ROWS for kind in row.kinds.split())
    assert [kind for kind, count in kinds.items() if count > 1] == []
    assert not kinds.keys() & {POD, *BUILT_IN}


@pytest.mark.parametrize(
    "rule",
    [
        "Fine: Ready=True",
        "Healthy Ready=True",
        "Healthy: ",
        "Healthy: Ready==True=x",
        # The type of a condition that has a slash is asked for with `some`.
        "Healthy: cnpg.io/hibernation=True",
        "Healthy: old Ready=True",
    ],
)
def test_what_is_no_rule_is_refused(rule):
    """A mistake in the table does not become a rule that never holds."""
    with pytest.raises(ValueError, match="is no"):
        [parse_test(test) for test in read_rule(rule)[1]]


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("s3.aws.crossplane.io", "Bucket", "*.crossplane.io"),
        ("storage.azure.upbound.io", "Account", "*.upbound.io"),
        ("rds.services.k8s.aws", "DBInstance", "*.services.k8s.aws"),
        ("sql.cnrm.cloud.google.com", "SQLInstance", "*.cnrm.cloud.google.com"),
        ("resources.azure.com", "ResourceGroup", "*.azure.com"),
        ("pkg.crossplane.io", "Provider", "pkg.crossplane.io"),
        ("kafka.strimzi.io", "KafkaMirrorMaker2", "kafka.strimzi.io"),
    ],
)
def test_the_nearest_row_is_taken(group, kind, expected):
    """The kind's own, its group's, then that of the end of its group."""
    assert row_of(group, kind).group == expected


def test_a_group_without_rows_has_none():
    """Neither a bare word nor an unknown domain."""
    assert row_of("", "ConfigMap") is None
    assert row_of("example.com", "Widget") is None


@pytest.mark.parametrize(
    ("test", "manifest", "holds"),
    [
        ("Ready=True", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ("Ready!=True", {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, True),
        ("Ready!=True", {}, False),
        ("!Ready", {}, True),
        ("Ready=False/A|B", {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "B"}]}}, True),
        ("Ready=False/!A|B", {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "B"}]}}, False),
        ("*=False", {"status": {"conditions": [{"type": "X", "status": "False"}]}}, True),
        (".status.phase=A b|C", {"status": {"phase": "A b"}}, True),
        (".status.phase!=A", {"status": {}}, True),
        (".status.phase^=Wait", {"status": {"phase": "Waiting for pods"}}, True),
        (".status.up", {"status": {"up": False}}, False),
        (".status.up", {"status": {"up": 0}}, True),
        (".status.up=true", {"status": {"up": True}}, True),
        (".status.code=3", {"status": {"code": 3}}, True),
        (".status.a<.spec.b?1", {"status": {"a": 0}}, True),
        (".status.a>=.spec.b", {"status": {"a": 2}, "spec": {"b": "2"}}, True),
        (".status.a=.status.b", {"status": {"a": "5e3", "b": "5000"}}, False),
        (".status.a=.status.b", {"status": {"a": "5000", "b": 5000}}, True),
        (".status.a<.spec.b", {"status": {"a": "x"}, "spec": {"b": 2}}, False),
        (".metadata.annotations[a.b/c]=x", {"metadata": {"annotations": {"a.b/c": "x"}}}, True),
        (".status.l[1].x=2", {"status": {"l": [{}, {"x": 2}]}}, True),
        ("len(.status.l)>1", {"status": {"l": [1, 2]}}, True),
        ("sum(.spec.sets, .count)=5", {"spec": {"sets": [{"count": 2}, {"count": 3}, 7]}}, True),
        ("add(.a, .b)>3", {"a": 2, "b": 2}, True),
        ("count(.s, UP)=1", {"s": {"x": "UP", "y": "DOWN"}}, True),
        ("left(.r)=right(.r)", {"r": "2/2"}, True),
        ("left(.r)=unreadable", {"r": "two of two"}, True),
        ("some(.l; .x=1; .y=$.z)", {"l": [{"x": 1, "y": 1}, {"x": 1, "y": 2}], "z": 2}, True),
        ("every(.l; .x=1)", {"l": [{"x": 1}, {"x": 2}]}, False),
        ("every(.l; .x=1)", {"l": []}, False),
        ("some(.l; A=True)", {"l": [{"conditions": [{"type": "A", "status": "True"}]}]}, True),
        (
            "current",
            {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "A", "observedGeneration": 1}]}},
            False,
        ),
        ("current", {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "A"}]}}, True),
        ("!current", {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "A"}]}}, False),
        (
            "!current",
            {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "A", "observedGeneration": 1}]}},
            True,
        ),
        (".l[last]=b", {"l": ["a", "b"]}, True),
        (".l[last].x=1", {"l": []}, False),
        (".a[last]=1", {"a": {"last": 1}}, True),
        (".a<.b", {"a": "2026-11-26T09:00:00Z", "b": "2026-11-26T10:00:00+00:00"}, True),
        (".a<.b", {"a": "2026-11-26T10:00:00Z", "b": "2026-11-26T09:00:00Z"}, False),
        (".a<.b", {"a": "yesterday", "b": "2026-11-26T09:00:00Z"}, False),
    ],
)
def test_a_test_holds_or_does_not(test, manifest, holds):
    """The small language, question by question."""
    assert (parse_test(test)(scope_of(manifest)) is not None) is holds


@pytest.mark.parametrize(
    ("test", "held"),
    [
        ("current Ready", {2}),
        ("stale Ready", {1, 3}),
        ("!stale Ready", {2, None}),
        ("stale *", {1, 3}),
        ("current Ready=False", set()),
        ("stale Ready=True/Done", {1, 3}),
    ],
)
def test_a_condition_may_be_of_another_generation(test, held):
    """`current` and `stale` ask of one condition for which generation it was written; without one, it is neither."""
    for generation in (1, 2, 3, None):
        condition = {"type": "Ready", "status": "True", "reason": "Done", "observedGeneration": generation}
        scope = scope_of({"metadata": {"generation": 2}, "status": {"conditions": [condition]}})
        assert (parse_test(test)(scope) is not None) is (generation in held), generation


@pytest.mark.parametrize(
    ("kind", "status", "health"),
    [
        ("cert-manager.io/Certificate", conditions("Ready=True", "Issuing=True"), "Progressing"),
        ("cert-manager.io/Certificate", conditions("Ready=False"), "Degraded"),
        ("cert-manager.io/CertificateRequest", conditions("Ready=False/Pending"), "Progressing"),
        ("cert-manager.io/CertificateRequest", conditions("Ready=False/Failed"), "Degraded"),
        ("external-secrets.io/ExternalSecret", conditions("Ready=True"), "Healthy"),
        ("external-secrets.io/SecretStore", "{}", "Progressing"),
        ("bitnami.com/SealedSecret", conditions("Synced=False"), "Degraded"),
        ("kustomize.toolkit.fluxcd.io/Kustomization", conditions("Reconciling=True", "Ready=Unknown"), "Progressing"),
        ("kustomize.toolkit.fluxcd.io/Kustomization", conditions("Ready=False"), "Degraded"),
        ("helm.toolkit.fluxcd.io/HelmRelease", conditions("Ready=True", "Released=True"), "Healthy"),
        ("argoproj.io/Application", "{health: {status: Missing}}", "Missing"),
        ("argoproj.io/ApplicationSet", conditions("ErrorOccurred=True", "ResourcesUpToDate=True"), "Degraded"),
        ("s3.aws.crossplane.io/Bucket", conditions("Synced=True", "Ready=True"), "Healthy"),
        ("s3.aws.crossplane.io/Bucket", conditions("Synced=False", "Ready=True"), "Degraded"),
        ("pkg.crossplane.io/Provider", conditions("Installed=True", "Healthy=False"), "Degraded"),
        ("serving.knative.dev/Service", conditions("RoutesReady=Unknown", "Ready=Unknown"), "Progressing"),
        ("kafka.strimzi.io/Kafka", conditions("NotReady=True/Creating"), "Progressing"),
        ("kafka.strimzi.io/KafkaTopic", conditions("NotReady=True/Creating"), "Degraded"),
        ("keda.sh/ScaledObject", conditions("Ready=True", "Paused=True"), "Suspended"),
        ("keda.sh/ScaledObject", conditions("Ready=True", "Fallback=True"), "Degraded"),
        ("gateway.networking.k8s.io/GatewayClass", conditions("Accepted=Unknown"), "Progressing"),
        (
            "gateway.networking.k8s.io/HTTPRoute",
            "{parents: [{conditions: [{type: Accepted, status: 'True', observedGeneration: 2}]}]}",
            "Healthy",
        ),
        (
            "gateway.networking.k8s.io/HTTPRoute",
            "{parents: [{conditions: [{type: Accepted, status: 'False', observedGeneration: 1}]}]}",
            "Progressing",
        ),
        (
            "gateway.networking.k8s.io/HTTPRoute",
            "{parents: [{conditions: [{type: ResolvedRefs, status: 'False', observedGeneration: 2}]}]}",
            "Degraded",
        ),
        ("gateway.networking.k8s.io/Gateway", conditions("Accepted=True", "Programmed=Unknown"), "Progressing"),
        ("networking.istio.io/VirtualService", "{}", "Healthy"),
        ("install.istio.io/IstioOperator", "{status: 4}", "Degraded"),
        ("postgresql.cnpg.io/Cluster", "{phase: Cluster in healthy state, conditions: [{}]}", "Healthy"),
        ("postgresql.cnpg.io/Cluster", "{phase: Failing over, conditions: [{}]}", "Degraded"),
        ("acid.zalan.do/postgresql", "{PostgresClusterStatus: SyncFailed}", "Degraded"),
        ("psmdb.percona.com/PerconaServerMongoDB", "{state: paused}", "Suspended"),
        ("velero.io/Backup", "{phase: PartiallyFailed}", "Degraded"),
        ("velero.io/Backup", "{phase: InProgress}", "Progressing"),
        ("cluster.x-k8s.io/Machine", "{phase: Running}", "Healthy"),
        ("tekton.dev/PipelineRun", conditions("Succeeded=Unknown/Running"), "Progressing"),
        ("tekton.dev/TaskRun", conditions("Succeeded=False"), "Degraded"),
        ("rabbitmq.com/RabbitmqCluster", conditions("ClusterAvailable=True", "AllReplicasReady=True"), "Healthy"),
        ("rabbitmq.com/RabbitmqCluster", conditions("ClusterAvailable=True", "AllReplicasReady=False"), "Progressing"),
        ("kibana.k8s.elastic.co/Kibana", "{health: green}", "Healthy"),
        ("monitoring.coreos.com/Prometheus", conditions("Available=False/SomePodsNotReady"), "Progressing"),
        ("monitoring.coreos.com/Prometheus", conditions("Available=False/NoPodReady"), "Degraded"),
        ("s3.services.k8s.aws/Bucket", conditions("ACK.Terminal=True", "ACK.ResourceSynced=True"), "Degraded"),
        ("sql.cnrm.cloud.google.com/SQLInstance", conditions("Ready=False/DependencyNotReady"), "Suspended"),
        ("sql.cnrm.cloud.google.com/SQLInstance", conditions("Ready=False/Updating"), "Progressing"),
        ("storage.azure.com/StorageAccount", conditions("Ready=False/Reconciling"), "Progressing"),
        ("sparkoperator.k8s.io/SparkApplication", "{applicationState: {state: FAILED}}", "Degraded"),
        ("route.openshift.io/Route", "{ingress: [{conditions: [{type: Admitted, status: 'True'}]}]}", "Healthy"),
    ],
)
def test_operators_kinds_are_judged_by_their_rows(kind, status, health):
    """What a status means, operator by operator."""
    assert judged(kind, status).health == health


def test_the_words_are_those_of_the_condition_that_decided():
    """Reason and message come from the operator."""
    found = judged("cert-manager.io/Issuer", conditions("Ready=False/ErrRegisterACMEAccount"))
    assert (found.reason, found.message) == ("ErrRegisterACMEAccount", "so it is")


def test_a_phase_without_words_is_named():
    """The field and its value stand in for a message."""
    found = judged("velero.io/Backup", "{phase: Failed}")
    assert (found.reason, found.message) == ("Failed", "its phase is Failed")


ROLLED_OUT = (
    "{observedGeneration: '2', currentPodHash: b, stableRS: b, replicas: 3, updatedReplicas: 3, availableReplicas: 3}"
)


@pytest.mark.parametrize(
    ("status", "spec", "health"),
    [
        ("{}", "{}", "Progressing"),
        (ROLLED_OUT, "{replicas: 3, strategy: {canary: {}}}", "Healthy"),
        (ROLLED_OUT.replace("'2'", "'1'"), "{replicas: 3, strategy: {canary: {}}}", "Progressing"),
        (ROLLED_OUT.replace("'2'", "5f8fbdf7bb"), "{replicas: 3, strategy: {canary: {}}}", "Healthy"),
        (ROLLED_OUT.replace("stableRS: b", "stableRS: a"), "{replicas: 3, strategy: {canary: {}}}", "Progressing"),
        (ROLLED_OUT.replace("replicas: 3", "replicas: 4", 1), "{replicas: 3, strategy: {canary: {}}}", "Progressing"),
        (ROLLED_OUT, "{replicas: 3, paused: true, strategy: {canary: {}}}", "Suspended"),
        (
            ROLLED_OUT[:-1] + ", blueGreen: {activeSelector: b}}",
            "{replicas: 3, strategy: {blueGreen: {activeService: web}}}",
            "Healthy",
        ),
        (
            ROLLED_OUT[:-1] + ", blueGreen: {activeSelector: a}}",
            "{replicas: 3, strategy: {blueGreen: {activeService: web}}}",
            "Progressing",
        ),
        (
            ROLLED_OUT[:-1] + ", conditions: [{type: Progressing, status: 'False', reason: RolloutAborted}]}",
            "{replicas: 3, strategy: {canary: {}}}",
            "Degraded",
        ),
        (ROLLED_OUT[:-1] + ", pauseConditions: [{}]}", "{strategy: {canary: {}}}", "Suspended"),
    ],
)
def test_a_rollout_is_judged_step_by_step(status, spec, health):
    """Argo Rollouts: canary and blue-green, paused, aborted, and what older versions write."""
    assert judged("argoproj.io/Rollout", status, spec).health == health
