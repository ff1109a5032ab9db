"""What programs of others tell Prometheus, as far as our rules and dashboards ask for it: metric to its labels.

Where Debian's exporters are at hand the tests compare this with what they really tell. Sources: `redis_*`, oliver006's
redis_exporter (README, "What's exported"); `pg_*`, prometheus-community's postgres_exporter (README, default metrics);
`DCGM_*`, NVIDIA's dcgm-exporter (etc/default-counters.csv; the labels are those of its README); the rest, Prometheus and
Alertmanager of themselves.
"""

REDIS = {"redis_up": set[str](), "redis_memory_used_bytes": set[str](), "redis_memory_max_bytes": set[str]()}
POSTGRES = {
    "pg_up": set[str](),
    "pg_stat_database_numbackends": {"datname"},
    "pg_settings_max_connections": set[str](),
    "pg_database_size_bytes": {"datname"},
}
GPU = {"DCGM_FI_DEV_GPU_UTIL": {"gpu", "UUID", "device", "modelName", "Hostname"}}
PROMETHEUS = {
    "up": set[str](),
    "prometheus_notifications_dropped_total": set[str](),
    "prometheus_rule_evaluation_failures_total": {"rule_group"},
}
ALERTMANAGER = {"alertmanager_notifications_failed_total": {"integration"}}
