"""What carries traffic, names and certificates: gateways, meshes, ingress controllers, cert-manager."""

from lastgood.targets.kubernetes.health.table.row import Row

_READY = ("Healthy: Ready=True", "Degraded: Ready=False")
_ACME = ("Healthy: .status.state=valid", "Degraded: .status.state=invalid|expired|errored")
_ROUTE = (
    "Degraded: some(.status.parents; current; ResolvedRefs=False)",
    "Degraded: some(.status.parents; current; Accepted=False)",
    "Progressing: some(.status.parents; current; Programmed!=True)",
    "Healthy: some(.status.parents; current; *)",
)
_POLICY = (
    "Degraded: some(.status.ancestors; !stale *; Accepted=False)",
    "Healthy: some(.status.ancestors; !stale *; *)",
)
# Older versions write numbers.
_SOLO = (
    "Degraded: .status.state=2|3|Rejected|Warning",
    "Progressing: .status.state=0|Pending",
    "Healthy: .status.state=1|Accepted",
    "Degraded: some(.status.statuses; .state=2|3|Rejected|Warning)",
    "Progressing: some(.status.statuses; .state=0|Pending)",
    "Healthy: some(.status.statuses; .state=1|Accepted)",
)
_ISTIO = ("Degraded: Reconciled=False", "Degraded: some(.status.validationMessages; .level=ERROR)")

ROWS = (
    Row(
        "cert-manager.io",
        "Certificate",
        ("Progressing: Issuing=True", "Degraded: Ready=False", "Healthy: Ready=True"),
    ),
    Row("cert-manager.io", "Issuer ClusterIssuer", _READY),
    Row(
        "cert-manager.io",
        "CertificateRequest",
        (
            "Degraded: Denied=True",
            "Degraded: InvalidRequest=True",
            "Healthy: Ready=True",
            "Progressing: Ready/Pending",
            "Degraded: Ready",
        ),
    ),
    Row("certmanager.k8s.io", "Certificate Issuer ClusterIssuer", _READY),
    Row("acme.cert-manager.io", "Challenge Order", _ACME),
    Row("trust.cert-manager.io", "Bundle", ("Healthy: Synced=True", "Degraded: Synced")),
    Row("gateway.networking.k8s.io", "HTTPRoute GRPCRoute TCPRoute UDPRoute", _ROUTE),
    Row(
        "gateway.networking.k8s.io",
        "TLSRoute",
        (
            "Degraded: some(.status.parents; !stale *; ResolvedRefs=False)",
            "Degraded: some(.status.parents; !stale *; Accepted=False)",
            "Progressing: some(.status.parents; !stale *; Programmed!=True)",
            "Healthy: some(.status.parents; !stale *; Accepted=True; ResolvedRefs=True)",
        ),
    ),
    Row(
        "gateway.networking.k8s.io",
        "Gateway",
        (
            "Degraded: ResolvedRefs=False",
            "Degraded: Accepted=False",
            "Progressing: Programmed!=True",
            "Degraded: some(.status.listeners; ResolvedRefs=False)",
            "Degraded: some(.status.listeners; Accepted=False)",
            "Progressing: some(.status.listeners; Programmed!=True)",
            "Healthy: .status.conditions",
            "Healthy: .status.listeners",
        ),
    ),
    Row(
        "gateway.networking.k8s.io",
        "ListenerSet XListenerSet",
        (
            "Progressing: stale *",
            "Degraded: Accepted=False",
            "Progressing: Programmed!=True",
            "Degraded: some(.status.listeners; ResolvedRefs=False)",
            "Degraded: some(.status.listeners; Conflicted=True)",
            "Degraded: some(.status.listeners; Accepted=False)",
            "Progressing: some(.status.listeners; Programmed!=True)",
            "Healthy: .status.listeners",
        ),
    ),
    Row(
        "gateway.networking.k8s.io",
        "GatewayClass",
        ("Progressing: stale Accepted", "Healthy: Accepted=True", "Degraded: Accepted=False"),
    ),
    Row(
        "gateway.networking.k8s.io",
        "BackendTLSPolicy",
        (
            "Progressing: some(.status.ancestors; stale *)",
            "Degraded: some(.status.ancestors; !Accepted/TargetNotFound; Accepted!=True)",
            "Degraded: some(.status.ancestors; !Accepted/TargetNotFound; ResolvedRefs!=True)",
            "Healthy: some(.status.ancestors; Accepted=True)",
            # One controller may not know what another one has found; where none has, it is not there.
            "Degraded: some(.status.ancestors; Accepted=False)",
        ),
    ),
    Row(
        "gateway.envoyproxy.io",
        "Backend",
        ("Progressing: stale Accepted", "Healthy: Accepted=True", "Degraded: Accepted"),
    ),
    Row(
        "gateway.envoyproxy.io",
        "BackendTrafficPolicy ClientTrafficPolicy EnvoyExtensionPolicy EnvoyPatchPolicy SecurityPolicy",
        _POLICY,
    ),
    Row("gateway.envoyproxy.io", "EnvoyProxy", (), "Healthy"),
    Row("gateway.solo.io", "*", _SOLO),
    Row(
        "gateway.solo.io",
        "MatchableHttpGateway RouteOption RouteTable",
        tuple(rule.replace("Progressing", "Suspended") for rule in _SOLO),
    ),
    Row("gloo.solo.io", "*", _SOLO),
    Row(
        "install.istio.io",
        "IstioOperator",
        (
            "Unknown: .status.status=0|NONE",
            "Progressing: .status.status=1|2|UPDATING|RECONCILING",
            "Healthy: .status.status=3|HEALTHY",
            "Degraded: .status.status=4|ERROR",
        ),
    ),
    Row("networking.istio.io", "*", _ISTIO, "Healthy"),
    Row("security.istio.io", "*", _ISTIO, "Healthy"),
    Row("telemetry.istio.io", "*", _ISTIO, "Healthy"),
    Row("sailoperator.io", "*", ("Degraded: Reconciled=False", "Healthy: Ready=True", "Progressing: Ready")),
    Row(
        "projectcontour.io",
        "HTTPProxy",
        (
            "Progressing: stale Valid",
            "Healthy: Valid=True",
            # What it includes is orphaned without it, so the one that includes has to come first.
            (
                "Healthy: .spec.includes"
                " & some(.status.conditions; .type=Valid; len(.errors)=1; .errors[0].type=IncludeError)"
            ),
            "Degraded: Valid=False",
            "Healthy: .status.currentStatus=valid",
            "Degraded: .status.currentStatus=invalid",
        ),
    ),
    Row(
        "projectcontour.io",
        "ExtensionService",
        ("Progressing: stale Valid", "Healthy: Valid=True", "Degraded: Valid=False"),
    ),
    Row(
        "operator.openshift.io",
        "IngressController",
        (
            "Degraded: Degraded=True",
            "Progressing: DeploymentReplicasAllAvailable=False",
            "Progressing: Progressing=True",
            "Healthy: Available=True",
        ),
    ),
    Row(
        "route.openshift.io",
        "Route",
        (
            "Degraded: some(.status.ingress; Admitted=False)",
            "Healthy: every(.status.ingress; Admitted=True)",
        ),
    ),
    Row(
        "cilium.io",
        "CiliumNetworkPolicy CiliumClusterwideNetworkPolicy",
        ("Degraded: Valid=False", "Healthy: Valid=True"),
        "Healthy",
    ),
    Row("crd.projectcalico.org", "*", (), "Healthy"),
    Row(
        "operator.tigera.io",
        "*",
        ("Degraded: Degraded=True", "Progressing: Progressing=True", "Healthy: Ready=True", "Healthy: Available=True"),
    ),
    Row("metallb.io", "*", (), "Healthy"),
    Row(
        "nmstate.io",
        "NodeNetworkConfigurationPolicy",
        (
            "Healthy: Available=True",
            "Degraded: Degraded=True",
            "Progressing: Progressing=True",
            "Suspended: Ignored=True",
        ),
    ),
    Row(
        "nmstate.io",
        "NodeNetworkConfigurationEnactment",
        (
            # It tries again: not lost yet.
            "Progressing: Failing=True & Progressing=True",
            "Healthy: Available=True",
            "Degraded: Failing=True",
            "Progressing: Progressing=True",
            "Progressing: Pending=True",
            "Suspended: Aborted=True",
        ),
    ),
    Row(
        "proclaim.dogmatiq.io",
        "DNSSDServiceInstance",
        (
            "Degraded: Adopted=False",
            "Degraded: Advertised/AdvertiseError|UnadvertiseError",
            "Unknown: Discoverable/DiscoveryError",
            "Healthy: Discoverable=True",
        ),
    ),
    Row("traefik.io", "*", (), "Healthy"),
    Row("externaldns.k8s.io", "DNSEndpoint", (), "Healthy"),
    Row("getambassador.io", "Host", ("Healthy: .status.state=Ready", "Degraded: .status.state=Error")),
    Row("getambassador.io", "*", ("Degraded: .status.state=Inactive",), "Healthy"),
)
