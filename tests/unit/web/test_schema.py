"""The schema has every route, and nothing that is not there."""

from aiohttp import web

from dormparty_sse.web.operations import Access
from dormparty_sse.web.routes import ROUTES, add_routes
from dormparty_sse.web.schema import document

PAGES = {"/", "/docs", r"/static/{path}"}
DOCUMENT = document(ROUTES)


def registered() -> set[tuple[str, str]]:
    app = web.Application()
    add_routes(app)
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}


def test_every_route_is_described_and_nothing_else() -> None:
    assert registered() - {("GET", page) for page in PAGES} == described()


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(set(ids)) == len(ids)


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    def check(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                assert reference.rpartition("/")[2] in schemas
            for member in part.values():
                check(member)
        elif isinstance(part, list):
            for member in part:
                check(member)

    check(DOCUMENT)


def test_what_needs_credentials_says_so() -> None:
    for route in ROUTES:
        for path in route.paths:
            operation = DOCUMENT["paths"][path][route.method.lower()]
            needs = route.operation.access in (Access.SESSION, Access.ADMIN, Access.LIVEKIT)
            assert (operation["security"] != [] and {} not in operation["security"]) == needs, path
            assert ("401" in operation["responses"]) == needs, path
