"""A web application over FastAPI: one keep for its life, and a worker beside the requests.

    uvicorn examples.web_async:app

The host says who asks and for whom, never the client: here a header stands for a session. Refusals
are answers with a stable code; errors that may pass are 503, so that a client tries again with the
same request id, and nothing happens twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, TypeVar, cast

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from examples.clerk import clerk
from turnkeep import (
    Keep,
    Principal,
    Refused,
    RequestId,
    RunAddress,
    RunId,
    RunView,
    Scope,
    ScopePrefix,
    TurnkeepError,
    Worker,
    open_keep,
)

T = TypeVar("T")


class Turn(BaseModel):
    """What an agent is asked to do."""

    request_id: str
    text: str


class Run(BaseModel):
    """How far it is."""

    id: str
    status: str
    version: int


class Question(BaseModel):
    """What a person is asked to decide."""

    id: str
    display: str


class Decision(BaseModel):
    """What a person has clicked, and the id of the click."""

    click_id: str
    approve: bool


def keep_of(request: Request) -> Keep:
    """The application's keep."""
    return cast("Keep", request.app.state.keep)  # whatever was put there, says Starlette


def person_of(x_user: Annotated[str, Header()]) -> str:
    """Who asks; a session of the host's, in earnest."""
    return x_user


Kept = Annotated[Keep, Depends(keep_of)]
User = Annotated[str, Depends(person_of)]


def conversation(user: str, thread: str) -> Scope:
    """The scope that the host stamps on everything of a conversation."""
    return Scope.of("acme", user, agent="clerk", thread=thread)


def create_app(url: str = "memory:") -> FastAPI:
    """The application over a store; the store opens and closes with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_keep(url) as keep, Worker(keep, clerk):
            app.state.keep = keep
            yield

    app = FastAPI(lifespan=lifespan)
    app.post("/threads/{thread}/turns", status_code=202)(submit)
    app.get("/threads/{thread}/runs/{run}")(follow)
    app.get("/threads/{thread}/questions")(questions)
    app.post("/threads/{thread}/questions/{question}")(decide)
    app.add_exception_handler(TurnkeepError, trouble)
    return app


async def submit(thread: str, turn: Turn, keep: Kept, user: User) -> Run:
    """Asks the agent; repeated with the same request id, it answers the same run."""
    answer = await keep.turns.submit(
        conversation(user, thread),
        actor=Principal.person(user),
        request_id=RequestId(turn.request_id),
        payload=turn.text.encode(),
    )
    return shown(accepted(answer))


async def follow(thread: str, run: str, keep: Kept, user: User, after: int | None = None) -> Run:
    """Waits for up to ten seconds until the run has moved on from a version, or has ended."""
    address = RunAddress(conversation(user, thread), RunId(run))
    view = await keep.turns.wait(address, after_version=after, timeout_seconds=10)
    if view is None:
        raise HTTPException(404)
    return shown(view)


async def questions(thread: str, keep: Kept, user: User) -> list[Question]:
    """What the agent wants to be allowed."""
    scope = conversation(user, thread)
    page = await keep.approvals.list_pending(ScopePrefix.exactly(scope))
    payloads = [(each.id, await keep.approvals.payload(scope, each.id)) for each in page.approvals]
    return [Question(id=id, display=payload.display) for id, payload in payloads if payload]


async def decide(
    thread: str, question: str, decision: Decision, keep: Kept, user: User
) -> dict[str, str]:
    """Decides once: a second click, or another person's, is told what was decided."""
    choose = keep.approvals.approve if decision.approve else keep.approvals.deny
    answer = await choose(
        conversation(user, thread),
        question,
        by=Principal.person(user),
        decision_id=RequestId(decision.click_id),
    )
    return {"state": accepted(answer).state.value}


class Reason(Protocol):
    """Why something is refused; every reason has a stable code."""

    @property
    def code(self) -> str:
        """The code."""
        ...


def accepted(answer: T | Refused[Reason]) -> T:
    """The outcome, or 409 with the code of the refusal."""
    if isinstance(answer, Refused):
        raise HTTPException(409, answer.reason.code)
    return answer


def shown(view: RunView) -> Run:
    """What a client may see of a run."""
    return Run(id=view.id, status=view.status.value, version=view.version)


async def trouble(_: Request, error: Exception) -> JSONResponse:
    """What a mistake or a doubt looks like from outside."""
    if not isinstance(error, TurnkeepError):
        raise error
    return JSONResponse({"code": error.code}, 503 if error.retryable else 400)


app = create_app()
