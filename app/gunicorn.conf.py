"""Settings of gunicorn, which reads this file when it is started in this folder:

gunicorn backend.wsgi
"""

from __future__ import annotations

import os
from pathlib import Path

# The variables that App Service and most other platforms set.
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104

# Python code of a process uses one core at a time. Threads are for requests that wait for the
# database or for storage. There must be more than AZURE_WAITING_REQUESTS, to have one for /healthz.
_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
workers = int(os.environ.get("WEB_CONCURRENCY") or _cores + 1)
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS") or 8)

# Workers share the memory of the imported application. Its storage clients and credentials are
# created after the fork (azureblob.container, azureblob.credentials).
preload_app = True

# Longer than the idle time-out of common proxies, so that the proxy closes idle connections: one
# that gunicorn closed just before the proxy uses it again is a 502 for the visitor.
keepalive = 75

# Requests in flight may end before a stop. Kubernetes kills after 30 s by default; on App Service
# the setting WEBSITES_CONTAINER_STOP_TIME_LIMIT says when.
graceful_timeout = 25
# A worker that shows no sign of life for this long is replaced.
timeout = 60
# The workers' heartbeat files must not be on a disk that may be slow.
if Path("/dev/shm").is_dir():  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Requests go to standard output without query strings and referrers, which can contain signatures
# and tokens. The last field is the duration in milliseconds.
accesslog = "-"
access_log_format = '%(h)s %({x-forwarded-for}i)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(M)s'

# Nothing here uses gunicorn's control interface, a socket in the user's home directory.
control_socket_disable = True
