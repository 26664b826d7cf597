"""The server: gunicorn's processes, each running the application on uvloop."""

import asyncio
import gc
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import GunicornUVLoopWebWorker, web
from gunicorn import glogging
from gunicorn.app.base import BaseApplication

from dormparty_sse.settings import Settings
from dormparty_sse.web.connections import Doors
from dormparty_sse.web.logs import configure_logs
from dormparty_sse.web.peer import give_up_the_vanished

_GARBAGE_THRESHOLD = 20_000  # objects; the requests under way must not all be taken for long-lived
_BACKLOG = 4096  # thousands of streams may come (back) at once
_STOP_S = 10
_FINISH_REQUESTS_S = 2  # of those; the streams and app.py need the rest
_LAST_REQUESTS_S = 0.3  # whoever has connected by now sends its request
_KEEPALIVE_S = 75
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client's variable

MakeApp = Callable[[Settings], web.Application]
Drain = Callable[[web.Application], Awaitable[None]]


class _Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Hands gunicorn's own lines to our logging."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002  # the signature is gunicorn's
        self.error_log.propagate = True
        self.access_log.disabled = True


class _Runner(web.AppRunner):
    """Stops in such an order that no request which has reached this process is lost."""

    def __init__(self, app: web.Application, drain: Drain, settings: Settings) -> None:
        super().__init__(
            app,
            handler_cancellation=True,  # a poll ends with its client
            shutdown_timeout=_FINISH_REQUESTS_S,
        )
        self._drain = drain
        self._settings = settings
        self._doors: Doors | None = None

    @property
    def server(self) -> Doors | None:  # type: ignore[override]  # it does what is asked of the other
        """Makes the protocols of connections."""
        if self._doors is None and (server := super().server):
            self._doors = Doors(server, self._settings, access_log=None, keepalive_timeout=_KEEPALIVE_S)
        return self._doors

    async def cleanup(self) -> None:
        """Takes no more connections, serves those there are until the streams have gone, then ends."""
        for site in list(self.sites):
            await site.stop()
        await asyncio.gather(asyncio.sleep(_LAST_REQUESTS_S), self._drain(self.app))
        await super().cleanup()


class _Worker(GunicornUVLoopWebWorker):
    """A process. aiohttp has its sockets listen with a backlog of its own, 128, whatever gunicorn is told."""

    async def _run(self) -> None:
        _let_signals_in()  # the loop runs, and sees them
        await super()._run()

    def notify(self) -> None:
        """Called once it listens, and every second from then on."""
        super().notify()
        for listening in self.sockets:
            listening.listen(_BACKLOG)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Settings, make_app: MakeApp, drain: Drain) -> None:
        self._settings = settings
        self._make_app = make_app
        self._drain = drain
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{_bracketed(self._settings.host)}:{self._settings.port}",
            "workers": self._settings.web_concurrency,
            "worker_class": _Worker,
            "backlog": _BACKLOG,
            "graceful_timeout": _STOP_S,
            "logger_class": _Logger,
            "control_socket_disable": True,
            "when_ready": _watch_connections,
            "child_exit": _forget_streams,
            "on_exit": _remove_metrics,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[], Awaitable[web.AppRunner]]:
        async def make_runner() -> web.AppRunner:
            _collect_garbage_less()
            return _Runner(self._make_app(self._settings), self._drain, self._settings)

        return make_runner


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _hold_signals_back() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def _let_signals_in() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def _collect_garbage_less() -> None:
    """A full collection stops all streams of the process, the longer the more objects there are."""
    gc.freeze()  # modules stay for ever: not looked at again
    gc.set_threshold(_GARBAGE_THRESHOLD, 20, 20)
    gc.enable()


def _share_metrics(processes: int) -> None:
    """Several processes count in files of a directory of their own; one alone needs none."""
    os.environ.pop(_METRICS_DIRECTORY, None)  # of another server, of which this one was started
    if processes > 1:
        os.environ[_METRICS_DIRECTORY] = tempfile.mkdtemp(prefix="dormparty-metrics-")


def _watch_connections(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        give_up_the_vanished(listener.sock)


def _forget_streams(_arbiter: Any, worker: Any) -> None:
    """A process that has ended has no streams any more. What it has counted stays."""
    if _METRICS_DIRECTORY in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  # as in `serve`

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _remove_metrics(_arbiter: Any) -> None:
    if directory := os.environ.get(_METRICS_DIRECTORY):
        shutil.rmtree(directory, ignore_errors=True)


def serve(settings: Settings) -> None:
    """Serves until a signal stops it."""
    configure_logs(settings.log_level, settings.log_format)
    logging.captureWarnings(capture=True)
    _share_metrics(settings.web_concurrency)
    # A new process has the signal handlers of gunicorn until it sets its own, and those would swallow it.
    os.register_at_fork(before=_hold_signals_back, after_in_parent=_let_signals_in)
    # Not before: prometheus-client looks for the directory once, when it is imported.
    from dormparty_sse.web.app import drain, make_app  # noqa: PLC0415

    _Server(settings, make_app, drain).run()
