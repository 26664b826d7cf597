"""The browser that the tests drive: the system's Chromium, where there is one without its windows."""

import ctypes
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: Draws pages alone and no window around them, in half the processor time.
_HEADLESS_SHELL = shutil.which("chromium-headless-shell") or _CHROMIUM

_PR_CAPBSET_DROP = 24  # linux/prctl.h
_CAP_SYS_NICE = 23  # linux/capability.h

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
]


def chromium_program(*, whole: bool = False) -> str:
    """Where it is; `whole`: with all that belongs to windows."""
    program = _CHROMIUM if whole else _HEADLESS_SHELL
    assert program, "Chromium is missing"
    return program


@asynccontextmanager
async def driver() -> AsyncIterator[Playwright]:
    """What drives browsers. Skips the test where there is none, save in CI."""
    if _CHROMIUM is None and "CI" not in os.environ:
        pytest.skip("no Chromium")
    _have_no_precedence()
    async with async_playwright() as running:
        yield running


def _have_no_precedence() -> None:
    """Run as root, Chromium would go before all others (nice -8), and so before the servers that are tested.

    What this process starts from now on may not. Where it is not root, there is nothing to give up.
    """
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)


@asynccontextmanager
async def launched(
    playwright: Playwright, *flags: str, whole: bool = False, not_with: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """A browser; `not_with` are flags that Playwright would give it; `whole` as for `chromium_program`."""
    browser = await playwright.chromium.launch(
        executable_path=chromium_program(whole=whole), args=[*FLAGS, *flags], ignore_default_args=not_with
    )
    try:
        yield browser
    finally:
        await browser.close()
