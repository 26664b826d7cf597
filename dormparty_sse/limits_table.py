"""The table of rate limits: how often a user, and everybody at one address together, may ask for what.

Written as the library `limits` reads it: "30/minute", "10 per 2 hours". A whole dormitory may be one address.
"""

from collections.abc import Mapping
from typing import Annotated

from limits import RateLimitItem, parse, parse_many
from pydantic import AfterValidator, BaseModel, ConfigDict


def _is_limit(text: str) -> str:
    try:
        amounts = [limit.amount for limit in parse_many(text)]
    except ValueError:
        amounts = []
    if len(amounts) != 1 or not amounts[0]:
        raise ValueError('it must be like "30/minute"')
    return text


Limit = Annotated[str, AfterValidator(_is_limit)]


class RateLimitTable(BaseModel):
    """Each name is the group of requests and who is counted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    new_session_address: Limit = "1000/hour"  #: Sessions for who has none.
    session_user: Limit = "60/minute"  #: Sessions asked for, a renewed one too.
    session_address: Limit = "3000/minute"  #: The same.
    actions_user: Limit = "120/minute"  #: Enqueue, skip, end and whatever else changes something.
    actions_address: Limit = "12000/minute"  #: The same.
    safety_user: Limit = "60/hour"  #: Blocks and reports.
    safety_address: Limit = "1200/hour"  #: The same.
    questions_user: Limit = "240/minute"  #: Status, check-match and whatever else only asks.
    questions_address: Limit = "24000/minute"  #: The same.
    streams_user: Limit = "120/minute"  #: Streams opened, and polls.
    streams_address: Limit = "12000/minute"  #: The same.
    pages_user: Limit = "600/minute"  #: The page, its files, and what there is not.
    pages_address: Limit = "24000/minute"  #: The same.
    admin_address: Limit = "600/minute"  #: Whatever operators ask.
    admin_login_address: Limit = "20/hour"  #: Wrong admin tokens. Right ones are not counted here.
    operators_address: Limit = "600/minute"  #: /readyz and /metrics; /healthz has no limit.

    def limits(self) -> Mapping[str, RateLimitItem]:
        """The table, read."""
        return {name: parse(text) for name, text in self}
