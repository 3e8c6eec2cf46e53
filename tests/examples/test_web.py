"""Both web applications serve the same story: ask, see the question, decide, see the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import pytest
from fastapi.testclient import TestClient

from examples import web_async, web_blocking
from examples.clerk import clerk
from tests.architecture.tree import TOP
from turnkeep import BlockingWorker, open_blocking_keep

Client: TypeAlias = Callable[[str, str, Mapping[str, object] | None], tuple[int, Any]]
"""Sends a method, a path and a body; what it gets is a status and JSON."""
ANN: Final = {"X-User": "ann"}


@pytest.fixture(params=["fastapi", "flask"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "fastapi":
        with TestClient(web_async.create_app(), headers=ANN) as there:

            def send(method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, Any]:
                answer = there.request(method, path, json=body)
                return answer.status_code, answer.json()

            yield send
    else:
        with open_blocking_keep("memory:") as keep, BlockingWorker(keep, clerk):
            app = web_blocking.create_app(keep).test_client()

            def send(method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, Any]:
                answer = app.open(path, method=method, json=body, headers=ANN)
                return answer.status_code, answer.get_json(silent=True)

            yield send


def until(client: Client, run: Mapping[str, Any], status: str) -> None:
    """Follows a run, as a page would, until it has come to a status."""
    while run["status"] != status:
        told, run = client("GET", f"/threads/rent/runs/{run['id']}?after={run['version']}", None)
        assert told == 200


def test_a_turn_is_asked_for_decided_and_done(client: Client) -> None:
    turn = {"request_id": "message-1", "text": "Pay the rent"}
    status, run = client("POST", "/threads/rent/turns", turn)
    assert status == 202
    assert client("POST", "/threads/rent/turns", turn)[1]["id"] == run["id"]
    until(client, run, "blocked")

    _, (question,) = client("GET", "/threads/rent/questions", None)
    assert question["display"] == "Send 1200 to landlord"
    click = {"click_id": "click-1", "approve": True}
    decided = client("POST", f"/threads/rent/questions/{question['id']}", click)
    assert decided == (200, {"state": "approved"})
    until(client, run, "completed")

    again = {"click_id": "click-2", "approve": False}
    refused, _ = client("POST", f"/threads/rent/questions/{question['id']}", again)
    assert refused == 409


def test_a_refusal_an_absence_and_a_mistake_are_told_apart(client: Client) -> None:
    turn = {"request_id": "message-1", "text": "Pay the rent"}
    client("POST", "/threads/rent/turns", turn)
    other = {"request_id": "message-1", "text": "Pay it twice"}
    assert client("POST", "/threads/rent/turns", other)[0] == 409
    assert client("GET", "/threads/rent/runs/nothing", None)[0] == 404
    long = {"request_id": "x" * 10_000, "text": "Pay"}
    assert client("POST", "/threads/rent/turns", long) == (400, {"code": "invalid_value"})


def test_a_serving_process_opens_a_keep_and_closes_it_at_its_end() -> None:
    program = """
from examples.web_blocking import serving
client = serving("memory:").test_client()
turn = {"request_id": "1", "text": "Pay the rent"}
print(client.post("/threads/rent/turns", json=turn, headers={"X-User": "ann"}).status_code)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=False,
        cwd=TOP,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("202\n", "", 0)
