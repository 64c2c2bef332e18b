"""gunicorn's configuration: `gunicorn -c webapp/gunicorn_conf.py "webapp:create_app()"`. One process of threads: an open
event stream
holds one, so there are enough for all streams of the budget and for requests beside them."""

from __future__ import annotations

from typing import Any

from webapp.core.config import Config

REQUEST_THREADS = 16

_config = Config.from_environment()

bind = f"{_config.host}:{_config.port}"
worker_class = "gthread"
threads = _config.event_streams + REQUEST_THREADS
keepalive = 5
graceful_timeout = 3
forwarded_allow_ips = ""  # ProxyFix decides which proxies are believed (STILLAIR_TRUSTED_PROXIES)
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """A worker that was told to stop ends its event streams; pages come back by themselves."""
    worker.app.wsgi().extensions["events"].is_serving = lambda: worker.alive
