"""The browser that the tests drive: the system's Chromium."""

import ctypes
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

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


def chromium_program() -> str:
    """Where it is."""
    assert _CHROMIUM, "Chromium is missing"
    return _CHROMIUM


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
    playwright: Playwright, *flags: str, not_with: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """A browser; `not_with` are flags that Playwright would give it."""
    browser = await playwright.chromium.launch(
        executable_path=chromium_program(), args=[*FLAGS, *flags], ignore_default_args=not_with
    )
    try:
        yield browser
    finally:
        await browser.close()
