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
    "Degraded: some(.status.ancestors; current; Accepted=False)",
    "Healthy: some(.status.ancestors; current; *)",
)
_SOLO = (
    "Degraded: .status.state=2|3",
    "Progressing: .status.state=0",
    "Healthy: .status.state=1",
    "Degraded: some(.status.statuses; .state=2|3)",
    "Progressing: some(.status.statuses; .state=0)",
    "Healthy: some(.status.statuses; .state=1)",
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
    Row("trust.cert-manager.io", "Bundle", ("Healthy: Synced=True", "Degraded: Synced=False")),
    Row("gateway.networking.k8s.io", "HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute", _ROUTE),
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
            "Progressing: * & !current",
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
        ("Progressing: Accepted & !current", "Healthy: Accepted=True", "Degraded: Accepted=False"),
    ),
    Row(
        "gateway.networking.k8s.io",
        "BackendTLSPolicy",
        (
            "Progressing: some(.status.ancestors; *; !current)",
            "Degraded: some(.status.ancestors; !Accepted/TargetNotFound; Accepted!=True)",
            "Degraded: some(.status.ancestors; !Accepted/TargetNotFound; ResolvedRefs!=True)",
            "Healthy: some(.status.ancestors; Accepted=True)",
        ),
    ),
    Row(
        "gateway.envoyproxy.io",
        "Backend",
        ("Progressing: Accepted & !current", "Healthy: Accepted=True", "Degraded: Accepted"),
    ),
    Row(
        "gateway.envoyproxy.io",
        "BackendTrafficPolicy ClientTrafficPolicy EnvoyExtensionPolicy EnvoyPatchPolicy SecurityPolicy",
        _POLICY,
    ),
    Row("gateway.envoyproxy.io", "EnvoyProxy", (), "Healthy"),
    Row("gateway.solo.io", "*", _SOLO),
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
        ("Healthy: .status.currentStatus=valid", "Degraded: .status.currentStatus=invalid"),
    ),
    Row(
        "projectcontour.io",
        "ExtensionService",
        ("Progressing: Valid & !current", "Healthy: Valid=True", "Degraded: Valid=False"),
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
    Row("traefik.io", "*", (), "Healthy"),
    Row("externaldns.k8s.io", "DNSEndpoint", (), "Healthy"),
    Row("getambassador.io", "Host", ("Healthy: .status.state=Ready", "Degraded: .status.state=Error")),
    Row("getambassador.io", "*", ("Degraded: .status.state=Inactive",), "Healthy"),
)
