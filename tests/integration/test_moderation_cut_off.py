"""A client that hangs up halfway leaves nothing half done: what is done to a user is done to its device."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.moderation import Bar, BarKind, Offence, Verdict
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.rules import Rules
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.moderation import Moderation
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.devices import Devices
from dormparty_sse.store.moderation import ModerationStore
from tests.support.hubs import Studio, studio
from tests.support.waiting import PATIENCE_S

DEVICE = "the-device-of-the-culprit"


class SlowDevices(Devices):
    """Takes its time, until it is let go."""

    asked: asyncio.Event
    go_on: asyncio.Event

    async def bar(self, device: str, bar: Bar, *, exactly: bool = False) -> Bar:
        await self._wait()
        return await super().bar(device, bar, exactly=exactly)

    async def unbar(self, device: str, *, origin: str = "") -> Bar | None:
        await self._wait()
        return await super().unbar(device, origin=origin)

    async def _wait(self) -> None:
        self.asked.set()
        await self.go_on.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Somebody has just met somebody else, whose device is known, and has not reported it yet."""

    moderation: Moderation
    devices: SlowDevices
    tasks: Tasks
    reporter: UserRef
    culprit: UserRef
    session: str

    def report(self) -> Coroutine[Any, Any, dict[str, Any]]:
        return self.moderation.report(self.reporter, self.session, Offence.SPAM, "")

    async def is_cut_off(self, request: Coroutine[Any, Any, object]) -> Bar | None:
        """The client hangs up as soon as the user's part is done. What becomes of the device."""
        self.devices.asked.clear()
        self.devices.go_on.clear()
        handler = asyncio.create_task(request)
        async with asyncio.timeout(PATIENCE_S):
            await self.devices.asked.wait()
        handler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handler
        self.devices.go_on.set()
        await self.tasks.finish(5)
        return await self.devices.bar_of(DEVICE)


@pytest.fixture
async def ours(redis_url: str) -> AsyncIterator[Studio]:
    async with studio(redis_url, Rules(reporters=1)) as made:
        yield made


@pytest.fixture
async def scene(ours: Studio) -> Scene:
    pool = f"pool-{new_id()[:6].lower().replace('_', '-')}"
    reporter, culprit = (UserRef(user_id=new_id(), pool=pool) for _ in range(2))
    for user, device in ((reporter, new_id()), (culprit, DEVICE)):
        await ours.store.register(user, device)
        await ours.store.enqueue(user, [])
    session = new_id()
    (pair,) = await ours.store.reserve_pairs(pool, [(session, room_name(pool, session))])
    await ours.store.open_match(pair, "RM")
    devices, tasks = SlowDevices(ours.connection, memory_s=60), Tasks()
    devices.asked, devices.go_on = asyncio.Event(), asyncio.Event()
    devices.go_on.set()
    await Devices.unbar(devices, DEVICE)
    return Scene(
        moderation=Moderation(ModerationStore(ours.store), devices, Commits(tasks), tasks),
        devices=devices,
        tasks=tasks,
        reporter=reporter,
        culprit=culprit,
        session=session,
    )


async def test_a_report_that_suspends(scene: Scene) -> None:
    bar = await scene.is_cut_off(scene.report())
    assert bar is not None
    assert bar.kind is BarKind.SUSPENDED


async def test_a_ban(scene: Scene) -> None:
    bar = await scene.is_cut_off(
        scene.moderation.ban(scene.culprit, "spam", by="a moderator", ban_s=60, with_device=True)
    )
    assert bar is not None
    assert bar.kind is BarKind.BANNED


@pytest.mark.parametrize(("verdict", "left"), [(Verdict.BANNED, BarKind.BANNED), (Verdict.DISMISSED, None)])
async def test_a_verdict(scene: Scene, verdict: Verdict, left: BarKind | None) -> None:
    report_id = (await scene.report())["reportId"]
    pool = scene.culprit.pool
    bar = await scene.is_cut_off(
        scene.moderation.resolve(pool, report_id, verdict, by="a moderator", note="", ban_s=60)
    )
    assert (bar and bar.kind) == left


async def test_an_unban(scene: Scene) -> None:
    await scene.report()
    assert await scene.is_cut_off(scene.moderation.unban(scene.culprit, "sorry", by="a moderator")) is None
