"""A web application over Flask: its views are plain functions, on whichever thread serves them.

    gunicorn --threads 8 'examples.web_blocking:serving("file:///var/lib/agents")'

Each process of a server opens a keep of its own, after it was forked: a keep that was opened before
says so. With Django it is the same: open the keep where the process begins to serve, and call it in
the views.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from examples.clerk import clerk
from turnkeep import (
    BlockingKeep,
    BlockingWorker,
    Principal,
    Refused,
    RequestId,
    RunAddress,
    RunId,
    RunView,
    Scope,
    ScopePrefix,
    TurnkeepError,
    open_blocking_keep,
)


def serving(url: str) -> Flask:
    """The application of a serving process: with a keep, and a worker in the keep's portal."""
    life = ExitStack()
    keep = life.enter_context(open_blocking_keep(url))
    life.enter_context(BlockingWorker(keep, clerk))
    atexit.register(life.close)
    return create_app(keep)


def create_app(keep: BlockingKeep) -> Flask:
    """The application over a keep that somebody else closes."""
    app = Flask(__name__)

    @app.post("/threads/<thread>/turns")
    def submit(thread: str) -> ResponseReturnValue:
        """Asks the agent; repeated with the same request id, it answers the same run."""
        turn = request.get_json()
        answer = keep.turns.submit(
            conversation(thread),
            actor=person(),
            request_id=RequestId(turn["request_id"]),
            payload=turn["text"].encode(),
        )
        if isinstance(answer, Refused):
            return {"code": answer.reason.code}, 409
        return shown(answer), 202

    @app.get("/threads/<thread>/runs/<run>")
    def follow(thread: str, run: str) -> ResponseReturnValue:
        """Waits for up to ten seconds; meanwhile it keeps a thread of the server, and no more."""
        after = request.args.get("after", type=int)
        address = RunAddress(conversation(thread), RunId(run))
        view = keep.turns.wait(address, after_version=after, timeout_seconds=10)
        return abort(404) if view is None else shown(view)

    @app.get("/threads/<thread>/questions")
    def questions(thread: str) -> ResponseReturnValue:
        """What the agent wants to be allowed."""
        scope = conversation(thread)
        page = keep.approvals.list_pending(ScopePrefix.exactly(scope))
        payloads = [(each.id, keep.approvals.payload(scope, each.id)) for each in page.approvals]
        return [{"id": id, "display": payload.display} for id, payload in payloads if payload]

    @app.post("/threads/<thread>/questions/<question>")
    def decide(thread: str, question: str) -> ResponseReturnValue:
        """Decides once: a second click, or another person's, is told what was decided."""
        click = request.get_json()
        choose = keep.approvals.approve if click["approve"] else keep.approvals.deny
        answer = choose(
            conversation(thread), question, by=person(), decision_id=RequestId(click["click_id"])
        )
        if isinstance(answer, Refused):
            return {"code": answer.reason.code}, 409
        return {"state": answer.state.value}

    @app.errorhandler(TurnkeepError)
    def trouble(error: TurnkeepError) -> ResponseReturnValue:
        """What a mistake or a doubt looks like from outside."""
        return {"code": error.code}, 503 if error.retryable else 400

    return app


def person() -> Principal:
    """Who asks; a session of the host's, in earnest."""
    return Principal.person(request.headers["X-User"])


def conversation(thread: str) -> Scope:
    """The scope that the host stamps on everything of a conversation."""
    return Scope.of("acme", request.headers["X-User"], agent="clerk", thread=thread)


def shown(view: RunView) -> dict[str, object]:
    """What a client may see of a run."""
    return {"id": view.id, "status": view.status.value, "version": view.version}
