"""gunicorn as the parent of several workers: ``gunicorn -c gunicorn.conf.py service:app``."""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
worker_class = "uvicorn_worker.UvicornWorker"
# the cores that this process may use, which in a container with cpuset are fewer than the machine's
workers = int(os.environ.get("WORKERS") or len(os.sched_getaffinity(0)))
# rulesets are loaded once, before the fork, and a bad one keeps the service from starting
preload_app = True
# a worker is replaced after this many requests, not all at the same time
max_requests = 1_000_000
max_requests_jitter = 100_000
# how long answers that have begun may take at the end; then the worker is killed
graceful_timeout = 30
# a worker whose event loop does not answer for so long is killed; streams do not count as silence
timeout = 30
keepalive = 65
backlog = 512
# heartbeats of workers are files: on a disk that stalls a healthy worker would be killed
worker_tmp_dir = "/dev/shm"
accesslog = None
# it would be written below the home folder, and nobody has one in the container
control_socket_disable = True
