"""Nonsense from the servers next door, and a log that cannot be written: it costs nobody anything."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from dormparty_sse.dev.network import free_port
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.store.keys import pool_key
from tests.conftest import NewPerson
from tests.support.stack import KEY, Stack, service_server


@pytest.mark.parametrize("nonsense", ["!newest", "no id and no JSON", "1-1 {", "1-1 []"])
async def test_nonsense_on_a_channel_costs_nobody_an_event(
    nonsense: str, stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    for someone in (a, b):
        await someone.listen()
    await stack.redis.publish(pool_key(a.pool, "events", a.user_id), nonsense)
    for someone in (a, b):
        await someone.post("enqueue")
        await someone.event("queued")
        await someone.post("end")


@pytest.mark.parametrize("answer", ["<html>back soon</html>", "[]", ""])
@pytest.mark.parametrize("status", [200, 404, 503])
async def test_what_is_not_livekit_counts_as_livekit_away(answer: str, status: int) -> None:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=answer, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", say)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=Clock(), ttl_s=60)
    rooms = Rooms(f"http://127.0.0.1:{port}", mint, timeout_s=2)
    try:
        if (answer, status) == ("", 200):
            await rooms.ping()  # an empty protobuf message: there are no rooms
        else:
            with pytest.raises(RoomsAway):
                await rooms.ping()
    finally:
        await rooms.aclose()
        await runner.cleanup()


async def test_full_log_disk_fails_no_request(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings.model_copy(update={"port": free_port()})
    service = service_server(settings, tmp_path)
    service.log = Path("/dev/full")
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an IP address too
    async with service, aiohttp.ClientSession(cookie_jar=jar) as http:
        for path, status in (("/healthz", 200), ("/nowhere", 404)):
            async with http.get(service.url + path) as answer:
                assert answer.status == status
        async with http.post(service.url + "/api/session") as answer:
            assert answer.status == 201
        async with http.post(service.url + "/api/matching/enqueue") as answer:
            assert answer.status == 200
        async with http.post(service.url + "/api/matching/end") as answer:
            assert answer.status == 200
