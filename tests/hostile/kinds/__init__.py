"""Every kind of bad request there is, by what it abuses."""

from tests.hostile.kind import Kind
from tests.hostile.kinds import bodies, heads, ids, injections, paths, streams, tokens, webhooks

GROUPS: dict[str, list[Kind]] = {
    module.__name__.rpartition(".")[2]: module.KINDS
    for module in (tokens, ids, paths, heads, bodies, injections, webhooks, streams)
}
KINDS = [kind for kinds in GROUPS.values() for kind in kinds]
