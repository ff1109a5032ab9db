"""The Celery application: two queues, acknowledgement after the work, one message at a time per process.

It knows the names of the tasks and where they go. `worker.py` adds what they do.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from celery import Celery

from drumscribe.service.jobs.plan import DEFAULT, STEPS
from drumscribe.service.queueing import PRIORITY_STEPS

CLEANUP = "cleanup_old_artifacts"
SWEEP = "sweep_jobs"
DELIVER = "deliver_webhooks"


def make_app(url: str) -> Celery:
    """Configure Celery for a broker; nothing is connected yet."""
    app = Celery("drumscribe", broker=url, set_as_current=False)
    app.conf.update(
        task_routes={step.name: {"queue": step.queue} for step in STEPS}
        | {name: {"queue": DEFAULT} for name in (CLEANUP, SWEEP, DELIVER)},
        task_default_queue=DEFAULT,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "priority_steps": list(PRIORITY_STEPS),
            "sep": ":",
            "queue_order_strategy": "priority",
            "visibility_timeout": 3600,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
    )
    address = urlsplit(url)
    if address.scheme == "rediss" and "ssl_cert_reqs" not in parse_qs(address.query):
        # Celery by itself would believe anybody who answers
        app.conf.broker_use_ssl = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return app
