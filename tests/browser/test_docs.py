"""/docs shows the API, with nothing from elsewhere and nothing that the security policy forbids."""

from urllib.parse import urlsplit

from playwright.async_api import Browser, expect

from tests.support.stack import Stack


async def test_docs_show_every_operation_within_the_policy(stack: Stack, chromium: Browser) -> None:
    page = await chromium.new_page()
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    await page.goto(f"{stack.url}/docs")
    async with stack.http.get(f"{stack.url}/api/openapi.json") as answer:
        document = await answer.json()
    operations = sum(len(item) for item in document["paths"].values())
    await expect(page.locator(".opblock")).to_have_count(operations, timeout=30_000)
    await page.locator("#operations-people-post_matching_enqueue button").first.click()
    await expect(page.locator(".responses-table").first).to_contain_text("429")
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".live-responses-table").first).to_contain_text("unauthenticated")
    await page.close()
    assert asked - {""} == {urlsplit(stack.url).netloc}  # data: has no host
    assert [line for line in said if "401" not in line] == []
