"""The browser that the tests drive: the system's Chromium."""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

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
    async with async_playwright() as running:
        yield running


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
