"""The command line: `dormparty-sse serve`, `dev` and `check`."""

import argparse
import gc
import sys

from dormparty_sse import __version__

_DESCRIPTION = """\
Anonymous one-to-one random video chat: matching over Redis, calls over LiveKit, events over SSE.

Try it on this machine:           dormparty-sse dev
Run it with your own servers:     dormparty-sse serve
Say what is wrong with that:      dormparty-sse check
"""
_SERVE = """\
Run the service in the foreground until SIGTERM or Ctrl-C. SIGHUP reloads it without dropping a call.

It needs REDIS_URL, LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, SESSION_SECRET and ADMIN_TOKEN;
HOST, PORT, WEB_CONCURRENCY and LOG_LEVEL are the ones changed most often. Settings come from the
environment, else from config/*.toml; README.md lists them all.
"""
_DEV = """\
Run the service with a Redis and a LiveKit of its own, all on 127.0.0.1, until Ctrl-C. The last line says
which page to open. If one part dies, all stop.

Redis and livekit-server are taken from PATH; what is missing is fetched or built, once.
Data, logs and generated secrets are in DEV_DIR (.dev). Ports: PORT (8080), REDIS_PORT (6380),
LIVEKIT_PORT (7880), LIVEKIT_UDP_PORT (7882). Any other setting of `serve` works here too.
"""
_CHECK = """\
Look whether the settings are right and everything they name works: Redis, LiveKit and its keys, the
running service, LiveKit's webhooks to it. One line for each, with what to change where it fails.
Makes one LiveKit room, dormparty-check-..., and deletes it; changes nothing else for longer than a minute.
"""
_STATUS = (
    "\nExit status: 0 all well, 1 something failed while running, 2 a wrong setting or argument, 130 Ctrl-C."
)

_WRONG_SETTINGS = 2
_INTERRUPTED = 130


def main() -> int:
    """Run the command of the arguments; return the exit status."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    # Imported here and not above, so that --help answers at once.
    from dormparty_sse.dev.errors import DevError  # noqa: PLC0415
    from dormparty_sse.domain.errors import SettingsError  # noqa: PLC0415

    try:
        match arguments.command:
            case "serve":
                return _serve()
            case "dev":
                return _dev(show_logs=arguments.logs)
            case _:
                return _check(in_dev=arguments.dev)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return _WRONG_SETTINGS
    except DevError as error:
        print(error, file=sys.stderr)
        return 1


def _serve() -> int:
    gc.disable()  # until the processes serve: what is imported is no garbage, and a start a sixth quicker
    from dormparty_sse import settings  # noqa: PLC0415
    from dormparty_sse.web import server  # noqa: PLC0415

    server.serve(settings.load())
    return 0


def _dev(*, show_logs: bool) -> int:
    from dormparty_sse.dev.runner import dev  # noqa: PLC0415

    return dev(show_logs=show_logs)


def _check(*, in_dev: bool) -> int:
    from dormparty_sse.dev.check import check  # noqa: PLC0415

    return check(in_dev=in_dev)


def _parser() -> argparse.ArgumentParser:
    parser = _described(argparse.ArgumentParser(prog="dormparty-sse"), _DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _described(commands.add_parser("serve", help="run the service, with your Redis and LiveKit"), _SERVE)
    dev = _described(commands.add_parser("dev", help="run it with a Redis and a LiveKit of its own"), _DEV)
    dev.add_argument("--logs", action="store_true", help="show the service's log here instead of in a file")
    check = _described(
        commands.add_parser("check", help="say what is wrong with the settings or servers"), _CHECK
    )
    check.add_argument("--dev", action="store_true", help="check the running `dev` instead of your settings")
    return parser


def _described(parser: argparse.ArgumentParser, text: str) -> argparse.ArgumentParser:
    parser.description = text
    parser.epilog = _STATUS
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


if __name__ == "__main__":
    sys.exit(main())
