"""A LiveKit with more rooms than a real one holds here: answers what reconciliation asks, and nothing else.

`python -m bench.simulated_livekit PORT FILE`. It answers by Twirp and protobuf as LiveKit does. The rooms
look like one that a real LiveKit has listed, and in each are two people with a camera and a microphone.
"""

import argparse
import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from aiohttp import web
from livekit import api
from livekit.protocol.models import ParticipantInfo, TrackInfo, TrackType

from dormparty_sse.dev.network import LOOPBACK, answers_200, free_port
from dormparty_sse.dev.places import ROOT
from dormparty_sse.dev.server import Server

_PREFIX = "/twirp/livekit.RoomService"
_MIME_TYPES = {TrackType.AUDIO: "audio/red", TrackType.VIDEO: "video/vp8"}


def participant_sid(user_id: str) -> str:
    """The sid of the one participant that a user ever is."""
    return f"PA_{user_id[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What it holds."""

    template: str  #: A room as a real LiveKit lists it: protobuf, base64.
    counted: int  #: How many people the list of all rooms has in each; LiveKit's own counts may be old.
    people: dict[str, list[str]]  #: By the room's name.


@asynccontextmanager
async def simulated_livekit(directory: Path, rooms: Rooms) -> AsyncIterator[str]:
    """Its URL. The directory must be there."""
    file = directory / "rooms.json"
    file.write_bytes(orjson.dumps(asdict(rooms)))
    port = free_port()

    async def ready() -> bool:
        return await answers_200(port, "/")

    async with Server(
        name="the simulated LiveKit",
        url=f"http://{LOOPBACK}:{port}",
        command=[sys.executable, "-m", "bench.simulated_livekit", str(port), file],
        ready=ready,
        log=directory / "livekit.log",
        cwd=ROOT,
    ) as server:
        yield server.url


def _app(rooms: Rooms) -> web.Application:
    listed = {name: _room(rooms, number, name) for number, name in enumerate(rooms.people)}
    everything = api.ListRoomsResponse(rooms=listed.values()).SerializeToString()

    async def list_rooms(request: web.Request) -> web.Response:
        names = api.ListRoomsRequest.FromString(await request.read()).names
        if not names:
            return _answer(everything)
        found = [listed[name] for name in names if name in listed]
        return _answer(api.ListRoomsResponse(rooms=found).SerializeToString())

    async def list_participants(request: web.Request) -> web.Response:
        name = api.ListParticipantsRequest.FromString(await request.read()).room
        people = map(_participant, rooms.people.get(name, ()))
        return _answer(api.ListParticipantsResponse(participants=people).SerializeToString())

    async def here(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", here)
    app.router.add_post(f"{_PREFIX}/ListRooms", list_rooms)
    app.router.add_post(f"{_PREFIX}/ListParticipants", list_participants)
    return app


def _room(rooms: Rooms, number: int, name: str) -> api.Room:
    room = api.Room.FromString(base64.b64decode(rooms.template))
    room.name, room.sid, room.num_participants = name, f"RM_{number:012d}", rooms.counted
    return room


def _participant(user_id: str) -> ParticipantInfo:
    return ParticipantInfo(
        sid=participant_sid(user_id),
        identity=user_id,
        state=ParticipantInfo.State.ACTIVE,
        joined_at_ms=1,
        tracks=[
            TrackInfo(sid=f"TR_{user_id[:8]}{kind}", type=kind, mime_type=mime_type, stream="camera")
            for kind, mime_type in _MIME_TYPES.items()
        ],
    )


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/protobuf")


def main() -> None:
    """Serves until a signal stops it."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulated_livekit", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    rooms = Rooms(**orjson.loads(arguments.file.read_bytes()))
    loop = asyncio.new_event_loop()
    web.run_app(_app(rooms), host=LOOPBACK, port=arguments.port, print=None, loop=loop)


if __name__ == "__main__":
    main()
