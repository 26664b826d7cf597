"""What /metrics says."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Scrape:
    """One answer, by name and labels."""

    def __init__(self, text: str) -> None:
        self._samples: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._samples, f"told twice: {key}"
                self._samples[key] = sample.value

    @property
    def names(self) -> set[str]:
        """Of all samples."""
        return {name for name, _ in self._samples}

    def value(self, name: str, **labels: str) -> float:
        """The sum over all samples that have these labels, 0 if there is none. `from_` stands for `from`."""
        wanted = {(label.rstrip("_"), value) for label, value in labels.items()}
        return sum(value for (found, has), value in self._samples.items() if found == name and wanted <= has)


async def scrape(http: aiohttp.ClientSession, url: str) -> Scrape:
    """Asks a service at `url`."""
    async with http.get(f"{url}/metrics") as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/plain"
        return Scrape(await answer.text())
