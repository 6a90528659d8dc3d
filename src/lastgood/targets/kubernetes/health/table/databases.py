"""What keeps data: databases, queues, object stores, volumes, backups."""

from lastgood.targets.kubernetes.health.table.row import Row

_READY = ("Healthy: Ready=True", "Degraded: Ready=False")
_STRIMZI = (
    "Suspended: ReconciliationPaused=True",
    "Degraded: NotReady=True",
    "Degraded: Ready=False",
    "Healthy: Ready=True",
)
_RABBITMQ = ("Healthy: Ready=True/SuccessfulCreateOrUpdate", "Degraded: Ready=False/FailedCreateOrUpdate")
_CONFLUENT = ("Healthy: .status.phase=RUNNING",)
_MARIADB = ("Degraded: *=False/Failed", "Progressing: *=False", "Healthy: .status.conditions")
_ELASTIC = ("Degraded: .status.health=red", "Healthy: .status.health=green", "Progressing: .status.health=yellow")
_BACKUP = (
    "Healthy: .status.phase=Completed",
    (
        "Degraded: .status.phase=Failed|PartiallyFailed|FailedValidation|FinalizingPartiallyFailed"
        "|WaitingForPluginOperationsPartiallyFailed"
    ),
)
_HUMIO = (
    "Healthy: .status.state=Exists",
    "Missing: .status.state=NotFound",
    "Degraded: .status.state=ConfigError|EntityError",
    "Unknown: .status.state=Unknown",
)

ROWS = (
    Row(
        "postgresql.cnpg.io",
        "Cluster",
        (
            "Suspended: .metadata.annotations[cnpg.io/reconciliation]=disabled",
            "Suspended: some(.status.conditions; .type=cnpg.io/hibernation; .status=True)",
            "Degraded: some(.status.conditions; .type=cnpg.io/hibernation)",
            "Progressing: !.status.conditions",
            "Healthy: .status.phase=Cluster in healthy state",
            (
                "Progressing: .status.phase=Setting up primary|Creating a new replica|Upgrading cluster"
                "|Waiting for the instances to become active|Promoting to primary cluster"
            ),
            (
                "Degraded: .status.phase=Switchover in progress|Failing over|Upgrading Postgres major version"
                "|Cluster upgrade delayed|Waiting for user action|Primary instance is being restarted in-place"
                "|Primary instance is being restarted without a switchover"
                "|Cluster cannot execute instance online upgrade due to missing architecture binary"
                "|Online upgrade in progress|Applying configuration"
                "|Cluster cannot proceed to reconciliation due to an error while interacting with plugins"
            ),
            (
                "Suspended: .status.phase=Unable to create required cluster objects"
                "|Cluster cannot proceed to reconciliation due to an unknown plugin being required"
                "|Cluster has incomplete or invalid image catalog"
                "|Cluster is unrecoverable and needs manual intervention"
            ),
        ),
        "Unknown",
    ),
    Row(
        "postgresql.cnpg.io",
        "Backup",
        (
            "Healthy: .status.phase=completed",
            "Degraded: .status.phase=failed|walArchivingFailing|invalid backup definition",
        ),
    ),
    Row(
        "postgresql.cnpg.io",
        "Database Publication Subscription",
        (
            "Progressing: .metadata.generation & .metadata.generation!=.status.observedGeneration",
            "Healthy: .status.applied=true",
            "Degraded: .status.applied=false",
        ),
    ),
    Row("postgresql.cnpg.io", "ScheduledBackup", ("Suspended: .spec.suspend=true",), "Healthy"),
    Row("postgresql.cnpg.io", "Pooler", ("Progressing: .status.instances<.spec.instances?1",), "Healthy"),
    Row(
        "acid.zalan.do",
        "postgresql",
        (
            "Progressing: !.status.PostgresClusterStatus",
            "Healthy: .status.PostgresClusterStatus=Running",
            "Progressing: .status.PostgresClusterStatus=Creating|Updating",
        ),
        "Degraded",
    ),
    Row(
        "postgres-operator.crunchydata.com",
        "PostgresCluster",
        (
            "Suspended: .spec.shutdown=true",
            "Suspended: .spec.paused=true",
            "Progressing: some(.status.instances; .readyReplicas<.replicas)",
            "Healthy: .status.instances",
        ),
    ),
    Row(
        "psmdb.percona.com",
        "PerconaServerMongoDB",
        (
            "Progressing: .status.state=initializing|stopping",
            "Healthy: .status.state=ready",
            "Degraded: .status.state=error",
            "Suspended: .status.state=paused",
        ),
        "Unknown",
    ),
    Row(
        "pxc.percona.com",
        "PerconaXtraDBCluster",
        (
            "Progressing: .status.state=initializing",
            "Healthy: .status.state=ready",
            "Degraded: .status.state=error|stopping",
        ),
        "Unknown",
    ),
    Row(
        "ps.percona.com",
        "PerconaServerMySQL",
        (
            "Progressing: .status.state=initializing|stopping",
            "Healthy: .status.state=ready",
            "Degraded: .status.state=error",
            "Suspended: .status.state=paused",
        ),
    ),
    Row(
        "pgv2.percona.com",
        "PerconaPGCluster",
        ("Healthy: .status.state=ready", "Suspended: .status.state=paused", "Degraded: .status.state=error"),
    ),
    Row("k8s.mariadb.com", "MariaDB MaxScale Connection", _MARIADB),
    Row(
        "k8s.mariadb.com",
        "Backup Restore",
        (
            "Degraded: some(.status.conditions; .status=False; .reason=CronJobScheduled; .message=Failed)",
            "Progressing: *=False",
            "Healthy: .status.conditions",
        ),
    ),
    Row("k8s.mariadb.com", "SqlJob", ("Healthy: */JobComplete & *=True/JobComplete", "Degraded: *=True/JobFailed")),
    Row("k8s.mariadb.com", "Database Grant User", ("Healthy: Ready=True", "Degraded: Ready")),
    Row(
        "mysql.oracle.com",
        "InnoDBCluster",
        (
            "Healthy: .status.cluster.status=ONLINE",
            "Degraded: .status.cluster.status=OFFLINE|NO_QUORUM|SPLIT_BRAIN|INVALID",
            "Progressing: .status.cluster.status",
        ),
    ),
    Row("mysql.presslabs.org", "MysqlCluster", ("Degraded: FailoverInProgress=True", *_READY)),
    Row(
        "mongodbcommunity.mongodb.com",
        "MongoDBCommunity",
        ("Healthy: .status.phase=Running", "Degraded: .status.phase=Failed"),
    ),
    Row(
        "mongodb.com",
        "*",
        (
            "Healthy: .status.phase=Running|Updated",
            "Degraded: .status.phase=Failed|Unsupported",
            "Suspended: .status.phase=Disabled",
        ),
    ),
    Row("atlas.mongodb.com", "*", ("Healthy: Ready=True", "Degraded: *=False/!ClusterCreating")),
    Row(
        "cassandra.rook.io",
        "Cluster",
        ("Progressing: some(.status.racks; .members!=.readyMembers)", "Healthy: .status.racks"),
    ),
    Row(
        "cassandra.datastax.com",
        "CassandraDatacenter",
        (
            "Degraded: Valid=False",
            "Suspended: Stopped=True",
            *(
                f"Progressing: {name}=True"
                for name in ("Updating", "ScalingUp", "ScalingDown", "ReplacingNodes", "RollingRestart", "Resuming")
            ),
            "Degraded: .status.nodeStatuses & len(.status.nodeStatuses)<.spec.size",
            "Healthy: Healthy=True",
            "Degraded: Healthy=False",
            "Healthy: .status.nodeStatuses & !.status.conditions",
            "Unknown: !.status.conditions",
        ),
    ),
    Row(
        "k8ssandra.io",
        "K8ssandraCluster",
        ("Degraded: .status.error!=None & .status.error", "Healthy: CassandraInitialized=True"),
    ),
    Row(
        "scylla.scylladb.com",
        "ScyllaCluster ScyllaDBDatacenter NodeConfig",
        ("Degraded: Degraded=True", "Progressing: Progressing=True", "Healthy: Available=True"),
    ),
    Row(
        "cockroachlabs.com",
        "CrdbCluster",
        ("Degraded: .status.clusterStatus=Failed", "Healthy: .status.clusterStatus=Finished"),
    ),
    Row(
        "crdb.cockroachlabs.com",
        "CrdbCluster",
        ("Degraded: .status.clusterStatus=Failed", "Healthy: .status.clusterStatus=Finished"),
    ),
    *(
        Row(
            group,
            "*",
            (
                "Healthy: .status.status=Completed",
                "Degraded: .status.status!=InProgress & .status.status",
                "Progressing: .status.status=InProgress",
            ),
        )
        for group in ("clickhouse.altinity.com", "clickhouse-keeper.altinity.com")
    ),
    Row(
        "databases.schemahero.io",
        "Database",
        (),
        "Healthy",
    ),
    Row(
        "db.atlasgo.io",
        "AtlasMigration AtlasSchema",
        ("Healthy: Ready=True", "Progressing: Ready/Reconciling|GettingDevDB", "Degraded: Ready"),
    ),
    Row(
        "db.movetokube.com",
        "Postgres PostgresUser",
        ("Healthy: .status.succeeded=true", "Degraded: .status.succeeded=false"),
    ),
    Row(
        "druid.apache.org",
        "Druid",
        (
            (
                "Healthy: .status.druidNodeStatus.druidNodeConditionType=DruidClusterReady"
                " & .status.druidNodeStatus.druidNodeConditionStatus=True"
            ),
            "Degraded: .status.druidNodeStatus.druidNodeConditionType=DruidNodeErrorState",
            "Degraded: .status.druidNodeStatus.druidNodeConditionStatus=False",
        ),
    ),
    Row(
        "kafka.strimzi.io",
        "Kafka",
        ("Suspended: ReconciliationPaused=True", "Degraded: NotReady=True/!Creating", "Healthy: Ready=True"),
    ),
    Row("kafka.strimzi.io", "*", _STRIMZI),
    Row(
        "kafka.banzaicloud.io",
        "KafkaCluster",
        (
            "Degraded: some(.status.brokersState; .configurationState!=ConfigInSync)",
            (
                "Degraded: some(.status.brokersState; .gracefulActionState.cruiseControlState"
                "!=GracefulUpscaleSucceeded|GracefulDownscaleSucceeded)"
            ),
            (
                "Healthy: .status.brokersState & .status.cruiseControlTopicStatus=CruiseControlTopicReady"
                " & .status.state=ClusterRunning"
            ),
        ),
    ),
    Row("core.strimzi.io", "StrimziPodSet", ("Progressing: .status.readyPods<.status.pods", "Healthy: .status.pods")),
    Row(
        "platform.confluent.io",
        "Connector",
        (
            "Degraded: .status.state=ERROR",
            "Degraded: .status.failedTasksCount>0",
            "Healthy: .status.state=CREATED & .status.connectorState=RUNNING",
        ),
    ),
    Row("platform.confluent.io", "*", _CONFLUENT),
    Row(
        "rabbitmq.com",
        "RabbitmqCluster",
        (
            "Degraded: ReconcileSuccess=False",
            "Progressing: ClusterAvailable=Unknown",
            "Progressing: AllReplicasReady=Unknown",
            "Suspended: AllReplicasReady=False/ScaledToZero & .spec.replicas=0",
            "Progressing: ClusterAvailable=False",
            "Progressing: AllReplicasReady=False",
            "Healthy: ClusterAvailable=True & AllReplicasReady=True",
        ),
    ),
    Row("rabbitmq.com", "*", _RABBITMQ, "Unknown"),
    Row("nats.io", "NatsCluster", (), "Healthy"),
    Row("jetstream.nats.io", "*", _READY),
    Row(
        "elasticsearch.k8s.elastic.co",
        "Elasticsearch",
        (
            "Degraded: .status.phase=Invalid",
            "Progressing: .status.phase=ApplyingChanges|MigratingData",
            # A count of 0 is left out.
            "Degraded: !.status.availableNodes & .status.health=red",
            "Progressing: !.status.availableNodes & .status.health",
            "Unknown: !.status.availableNodes",
            "Progressing: .status.availableNodes<sum(.spec.nodeSets, .count)",
            "Unknown: .status.availableNodes>sum(.spec.nodeSets, .count)",
            "Healthy: .status.phase=Ready & .status.health=green",
            "Progressing: .status.phase=Ready & .status.health=yellow",
            "Degraded: .status.phase=Ready & .status.health=red",
        ),
        "Unknown",
    ),
    Row("beat.k8s.elastic.co", "Beat", (*_ELASTIC, "Progressing: .status.expectedNodes & !.status.health"), "Unknown"),
    *(
        Row(f"{name}.k8s.elastic.co", "*", _ELASTIC)
        for name in ("kibana", "apm", "enterprisesearch", "agent", "maps", "logstash")
    ),
    Row("autoscaling.k8s.elastic.co", "ElasticsearchAutoscaler", ("Degraded: Healthy=False", "Healthy: Active=True")),
    Row(
        "stackconfigpolicy.k8s.elastic.co",
        "StackConfigPolicy",
        ("Healthy: .status.phase=Ready", "Degraded: .status.phase=Error|Invalid|Conflict"),
    ),
    Row(
        "opensearch.opster.io",
        "OpenSearchCluster OpensearchCluster",
        ("Healthy: .status.health=green & .status.phase=RUNNING", "Degraded: .status.health=red"),
    ),
    Row(
        "core.humio.com",
        "HumioCluster",
        (
            "Healthy: .status.state=Running",
            "Progressing: .status.state=Restarting|Upgrading|Pending",
            "Degraded: .status.state=ConfigError",
            "Unknown: .status.state=Unknown",
        ),
    ),
    Row("core.humio.com", "*", _HUMIO),
    Row(
        "redis.redis.opstreelabs.in", "RedisCluster", ("Healthy: .status.state=Ready", "Degraded: .status.state=Failed")
    ),
    Row("databases.spotahome.com", "RedisFailover", (), "Healthy"),
    Row(
        "app.redislabs.com",
        "RedisEnterpriseCluster",
        ("Healthy: .status.state=Running", "Degraded: .status.state=Error|Invalid|InvalidUpgrade"),
    ),
    Row(
        "app.redislabs.com",
        "RedisEnterpriseDatabase",
        ("Healthy: .status.status=active", "Degraded: .status.status=creation-failed"),
    ),
    Row("dragonflydb.io", "Dragonfly", ("Healthy: .status.phase=ready|Ready",)),
    Row(
        "zookeeper.pravega.io",
        "ZookeeperCluster",
        ("Healthy: .status.readyReplicas>0 & .status.readyReplicas=.status.replicas",),
    ),
    Row(
        "minio.min.io",
        "Tenant",
        (
            "Missing: !.status.currentState",
            "Healthy: .status.currentState=Initialized",
            "Progressing: .status.currentState^=Provisioning|Waiting|Updating",
            (
                "Degraded: .status.currentState=Statefulset not controlled by operator"
                "|Another MinIO Tenant already exists in the namespace|Different versions across MinIO Pools"
            ),
        ),
        "Unknown",
    ),
    Row(
        "ceph.rook.io",
        "CephCluster",
        (
            "Degraded: .status.ceph.health=HEALTH_ERR|HEALTH_WARN",
            "Degraded: .status.ceph.health=HEALTH_OK & .status.state=Error",
            "Healthy: .status.ceph.health=HEALTH_OK & !.status.state",
            "Healthy: .status.ceph.health=HEALTH_OK & .status.state=Created|Connected",
        ),
    ),
    Row("ceph.rook.io", "*", ("Healthy: .status.phase=Ready", "Degraded: .status.phase=Failure|ReconcileFailed")),
    Row("objectbucket.io", "ObjectBucketClaim", ("Healthy: .status.phase=Bound", "Degraded: .status.phase=Failed")),
    Row(
        "ocs.openshift.io",
        "StorageCluster",
        ("Degraded: Degraded=True", "Progressing: Progressing=True", "Healthy: Available=True"),
        "Unknown",
    ),
    Row(
        "solr.apache.org",
        "SolrCloud",
        ("Progressing: !.status.solrNodes", "Progressing: some(.status.solrNodes; !.ready)", "Healthy: .status"),
    ),
    Row(
        "longhorn.io",
        "Volume",
        (
            "Degraded: .status.robustness=faulted",
            "Healthy: .status.state=attached & .status.robustness=healthy",
            "Healthy: .status.state=detached",
        ),
    ),
    Row(
        "snapshot.storage.k8s.io",
        "VolumeSnapshot VolumeSnapshotContent",
        ("Healthy: .status.readyToUse=true", "Degraded: .status.error"),
    ),
    Row(
        "trident.netapp.io",
        "TridentBackendConfig",
        (
            "Healthy: .status.phase=Bound & .status.lastOperationStatus=Success",
            "Degraded: .status.lastOperationStatus=Failed",
        ),
    ),
    Row(
        "trident.netapp.io",
        "TridentOrchestrator",
        ("Healthy: .status.status=Installed", "Degraded: .status.status=Failed|Error"),
    ),
    Row("astra.netapp.io", "Application", ("Healthy: Ready=True", "Degraded: Ready=False")),
    Row(
        "astra.netapp.io",
        "AppVault",
        ("Healthy: .status.state=available|Available", "Degraded: .status.state=failed|Failed"),
    ),
    Row(
        "astra.netapp.io",
        "Backup Snapshot ResourceBackup ResticVolumeBackup KopiaVolumeBackup AppMirrorRelationship",
        (
            "Healthy: .status.state=Completed|Established",
            "Progressing: .status.state=Running|Establishing",
            "Degraded: .status.state",
        ),
    ),
    Row("astra.netapp.io", "ExecHook", ("Healthy: .spec.enabled=true", "Suspended: .spec.enabled=false")),
    Row("astra.netapp.io", "Schedule", (), "Healthy"),
    Row("velero.io", "Backup Restore", _BACKUP),
    Row(
        "velero.io",
        "Schedule",
        ("Degraded: .status.phase=FailedValidation", "Suspended: .spec.paused=true", "Healthy: .status.phase=Enabled"),
    ),
    Row(
        "velero.io",
        "BackupStorageLocation",
        ("Healthy: .status.phase=Available", "Degraded: .status.phase=Unavailable"),
    ),
    Row("velero.io", "BackupRepository", ("Healthy: .status.phase=Ready", "Degraded: .status.phase=NotReady")),
    Row(
        "velero.io",
        "PodVolumeBackup PodVolumeRestore DataUpload DataDownload",
        ("Healthy: .status.phase=Completed", "Degraded: .status.phase=Failed|Canceled"),
    ),
    Row(
        "volsync.backube",
        "ReplicationSource ReplicationDestination",
        ("Suspended: .spec.paused=true", "Degraded: Synchronizing=False/Error"),
        "Healthy",
    ),
)
