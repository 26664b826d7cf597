"""LiveKit as an operator sees it: which rooms there are."""

from livekit import api

from tests.support.stack import KEY, Stack
from tests.support.waiting import PATIENCE_S, eventually


async def room_of(stack: Stack, name: str) -> api.Room | None:
    """The room of this name as LiveKit has it now, if it has it."""
    async with api.LiveKitAPI(stack.livekit_server.url, KEY.key, KEY.secret) as livekit:
        answer = await livekit.room.list_rooms(api.ListRoomsRequest(names=[name]))
        return answer.rooms[0] if answer.rooms else None


async def room_is_gone(stack: Stack, name: str, timeout_s: float = PATIENCE_S) -> None:
    """Waits until LiveKit has no such room."""

    async def gone() -> bool:
        return await room_of(stack, name) is None

    await eventually(gone, timeout_s, f"room {name} is gone")
