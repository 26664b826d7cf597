"""Rooms, by LiveKit's RoomService. Every call is bounded in time and raises RoomsAway if it fails.

The SDK does not apply its own timeout (its transport passes `timeout=None` on), so each call is wrapped.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from livekit import api
from livekit.api.room_service import RoomService
from livekit.protocol.models import ParticipantInfo

from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.domain.models import Participant, Room, RoomSummary
from dormparty_sse.livekit.tokens import TokenMint

_PLACES = 2
_EMPTY_TIMEOUT_S = 60  # a room nobody ever joins; we delete it long before
_DEPARTURE_TIMEOUT_S = 30  # longer than a reconnecting client needs
_NOT_FOUND = "not_found"
_AT_ONCE = 8  # calls

#: Told of each call: its name, how long it took in seconds, and "done" or "failed".
CallListener = Callable[[str, float, str], None]


def _nobody(_call: str, _seconds: float, _outcome: str) -> None:
    """Does not want to know."""


class Rooms:
    """LiveKit's rooms. Make it inside a running loop; close it with `aclose()`."""

    def __init__(
        self, url: str, mint: TokenMint, *, timeout_s: float, listener: CallListener = _nobody
    ) -> None:
        self._url = url
        self._mint = mint
        self._timeout_s = timeout_s
        self._listener = listener
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def create(self, name: str) -> str:
        """Makes a room with two places. Returns its sid."""
        request = api.CreateRoomRequest(
            name=name,
            max_participants=_PLACES,
            empty_timeout=_EMPTY_TIMEOUT_S,
            departure_timeout=_DEPARTURE_TIMEOUT_S,
        )
        async with self._call("create"):
            room = await self._service(room_create=True).create_room(request)
        return room.sid

    async def delete(self, name: str, *, is_stuck: bool = False) -> None:
        """Returns once the room is gone, also if it was gone before.

        `is_stuck`: it could not be deleted before. On a LiveKit cluster the room of a node that has died is
        nobody's, until it is made anew on another.
        """
        if is_stuck:
            await self.create(name)
        async with self._call("delete"):
            try:
                await self._service(room_create=True).delete_room(api.DeleteRoomRequest(room=name))
            except api.ServerError as error:
                if error.code != _NOT_FOUND:
                    raise

    async def ping(self) -> None:
        """Returns if LiveKit answers and accepts our key."""
        async with self._call("ping"):
            await self._service(room_list=True).list_rooms(api.ListRoomsRequest(names=["-"]))

    async def list(self, names: Collection[str] = ()) -> list[RoomSummary]:
        """All rooms, ours and others', or those of these names that there are, in one call.

        How many are in a room may be up to 5 s old: LiveKit counts anew only so often.
        """
        async with self._call("list"):
            answer = await self._service(room_list=True).list_rooms(api.ListRoomsRequest(names=names))
        return [
            RoomSummary(name=room.name, sid=room.sid, participants=room.num_participants)
            for room in answer.rooms
        ]

    async def look_into(self, rooms: Collection[RoomSummary]) -> tuple[Room, ...]:
        """These rooms, each with who is in it now."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def look(room: RoomSummary) -> Room:
            async with at_once:
                return Room(name=room.name, sid=room.sid, participants=await self.participants(room.name))

        return tuple(await asyncio.gather(*map(look, rooms)))

    async def participants(self, name: str) -> tuple[Participant, ...]:
        """Who is in a room with media connected. A room that does not exist is empty."""
        async with self._call("participants"):
            service = self._service(room_admin=True, room=name)
            answer = await service.list_participants(api.ListParticipantsRequest(room=name))
        return tuple(
            Participant(identity=p.identity, sid=p.sid, joined_at=p.joined_at_ms)
            for p in answer.participants
            if p.state == ParticipantInfo.State.ACTIVE
        )

    async def remove(self, name: str, identity: str) -> None:
        """Returns once this participant is out of a room, also if it was not in it."""
        async with self._call("remove"):
            try:
                service = self._service(room_admin=True, room=name)
                await service.remove_participant(api.RoomParticipantIdentity(room=name, identity=identity))
            except api.ServerError as error:
                if error.code != _NOT_FOUND:
                    raise

    def _service(self, **grants: Any) -> RoomService:
        """The API for one call that needs these grants. With a key, the SDK would sign by its own clock."""
        token = self._mint.call_token(api.VideoGrants(**grants))
        return api.LiveKitAPI(self._url, token=token, session=self._session, failover=False).room

    @asynccontextmanager
    async def _call(self, name: str) -> AsyncIterator[None]:
        started, outcome = time.perf_counter(), "failed"
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
            outcome = "done"
        except api.ServerError as error:
            raise RoomsAway(f"LiveKit refuses: {error.code}, status {error.status}.") from error
        except Exception as error:  # no way there, no answer in time, or one that is not LiveKit's
            raise RoomsAway from error
        finally:
            self._listener(name, time.perf_counter() - started, outcome)
