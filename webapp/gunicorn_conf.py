"""Configure gunicorn: `gunicorn -c webapp/gunicorn_conf.py "webapp:create_app()"`.

There is one process of threads. An open event stream holds one of them, so there are enough for every stream that may be open and
for requests beside them.
"""

from __future__ import annotations

from typing import Any

from webapp.core.config import Config

_config = Config.from_environment()

bind = f"{_config.host}:{_config.port}"
worker_class = "gthread"
threads = _config.threads
keepalive = 5
graceful_timeout = 3
forwarded_allow_ips = ""  # ProxyFix decides which proxies are believed (STILLAIR_TRUSTED_PROXIES)
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Let a worker that was told to stop end its event streams; the pages connect again by themselves."""
    worker.app.wsgi().extensions["events"].is_serving = lambda: worker.alive
