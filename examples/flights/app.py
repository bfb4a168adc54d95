"""The flights as JSON, written by one PayloadBuilder: ``uvicorn examples.flights.app:app``."""

from functools import cache
from itertools import islice
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse

from fastcore import PayloadBuilder, RuleSet
from fastcore.router import create_router

from .data import RULES, Flight, read_flights

__all__ = ["app"]

app = FastAPI(title="Flights", summary="The 336,776 flights that left New York in 2013.")
app.include_router(create_router(rules=RuleSet.from_file(RULES)), prefix="/fastcore")

builder = PayloadBuilder(Flight.__annotations__, utc_z=True)


@cache
def flights() -> tuple[Flight, ...]:
    """All of them; read when they are first asked for."""
    return tuple(read_flights())


Code = Annotated[str | None, Query(min_length=2, max_length=3)]
Month = Annotated[int | None, Query(ge=1, le=12)]


def _chosen(
    origin: str | None, dest: str | None, carrier: str | None, month: int | None
) -> tuple[Flight, ...]:
    wanted = {"origin": origin, "dest": dest, "carrier": carrier, "month": month}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if not wanted:
        return flights()
    return tuple(
        flight for flight in flights() if all(getattr(flight, name) == wanted[name] for name in wanted)
    )


@app.get("/flights", response_class=Response)
def page(
    request: Request,
    origin: Code = None,
    dest: Code = None,
    carrier: Code = None,
    month: Month = None,
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> Response:
    """One page of the flights, with their number and the address of the next page."""
    chosen = _chosen(origin, dest, carrier, month)
    end = page * size
    following = str(request.url.include_query_params(page=page + 1)) if end < len(chosen) else None
    body = builder.page(chosen[end - size : end], total=len(chosen), page=page, next=following)
    return Response(body, media_type="application/json")


@app.get("/flights/stream", response_class=StreamingResponse)
def stream(
    origin: Code = None,
    dest: Code = None,
    carrier: Code = None,
    month: Month = None,
    limit: Annotated[int | None, Query(ge=1)] = None,
) -> StreamingResponse:
    """The flights, one JSON object per line, in chunks: memory does not grow with their number."""
    rows = islice(_chosen(origin, dest, carrier, month), limit)
    return StreamingResponse(builder.stream(rows, lines=True), media_type="application/x-ndjson")
