"""Logs: structlog, one event per line, as JSON or for a console. Also for what libraries log."""

import io
import logging
import sys
from contextlib import suppress
from typing import Any

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError


def configure_logs(level: str, log_format: str) -> None:
    """Sends everything that is logged in this process to stdout, in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(_to_json)
    else:
        renderer = structlog.dev.ConsoleRenderer()
    # What we log ourselves does not go through the standard library: that would take three times as long.
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(_Stdout()),  # type: ignore[arg-type]  # it only writes
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("aiohttp.server").addFilter(_tell_nobodys_address)


def _tell_nobodys_address(record: logging.LogRecord) -> bool:
    """What aiohttp says of a request names its sender, and quotes one that is no HTTP, whatever it holds."""
    if not isinstance(record.msg, str) or not record.msg.startswith("Error handling request from"):
        return True
    record.msg, record.args = "request_failed_early", None
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg = f"request_unreadable: {type(error).__name__}"
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


class _Stdout(io.TextIOBase):
    """Standard output, where a line that cannot be written is lost: no request fails for a full disk."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()


def _to_json(event: dict[str, Any], **options: Any) -> str:
    return orjson.dumps(event, **options).decode()
