"""Canaries: a day in a keep in which every word of a host's is one that must not be told."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from attrs import define, field

from turnkeep import (
    ABSENT,
    AccountDetails,
    AccountRef,
    Actor,
    ApprovalView,
    CapabilityId,
    Category,
    Ceiling,
    Content,
    CorrelationId,
    Dimension,
    Dispatch,
    Effect,
    Estimate,
    GateClosed,
    GiveUp,
    IdempotencyKey,
    InboundEvent,
    InvocationId,
    Json,
    Keep,
    KeySettings,
    Lifetime,
    Limits,
    Material,
    MessageReceipt,
    Metered,
    NotDone,
    Opened,
    Principal,
    Ref,
    Refused,
    RequestId,
    RunContext,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    Settings,
    StepNotDone,
    Target,
    TurnkeepError,
    Worker,
)

KEY: Final = hashlib.sha256(b"canary").hexdigest()
KEYED: Final = Settings(keys=KeySettings(primary=("env:CANARY_KEY",)))
TOKENS: Final = Dimension.OUTPUT_TOKENS


@define
class Day:
    """Uses every service, as one of several tenants.

    Attributes:
        tenant: Which.
        words: What must not be told: what the host has said, and ids that Turnkeep has made.
    """

    tenant: str
    words: set[str] = field(factory=lambda: {KEY}, init=False)

    def word(self, of: str) -> str:
        """A word of the host's that stands for something."""
        word = f"canary-{self.tenant}-{of}"
        self.words.add(word)
        return word

    @property
    def owner(self) -> Scope:
        return Scope.of(self.word("tenant"), self.word("user"))

    @property
    def thread(self) -> Scope:
        return Scope.of(
            self.word("tenant"),
            self.word("user"),
            agent=self.word("agent"),
            thread=self.word("thread"),
        )

    @property
    def person(self) -> Principal:
        return Principal.person(self.word("user"))

    def request(self, of: str) -> RequestId:
        return RequestId(self.word(f"request-{of}"))

    async def spent(self, keep: Keep) -> None:
        """Lets the day pass."""
        await self._conversation(keep)
        await self._secrets(keep)
        await self._budgets(keep)
        await self._leases(keep)
        await self._approvals(keep)
        await self._turns(keep)
        await self._mistakes(keep)

    async def _conversation(self, keep: Keep) -> None:
        agent = Scope.of(self.word("tenant"), self.word("user"), agent=self.word("agent"))
        await keep.threads.ensure_thread(agent, self.word("thread"), created_by=self.word("user"))
        event = InboundEvent(source_binding=self.word("binding"), event_id=self.word("event"))
        receipt = await keep.threads.accept_inbound(
            agent, self.word("thread"), event, Content.of(self.word("text")), actor=None
        )
        assert isinstance(receipt, MessageReceipt)
        self.words.add(str(receipt.message_id))
        await keep.threads.window(agent, self.word("thread"))

    async def _secrets(self, keep: Keep) -> None:
        with Material.of(self.word("material")) as material:
            await keep.secrets.put(
                self.owner,
                self.word("handle"),
                material=material,
                expected=ABSENT,
                request_id=self.request("put"),
            )
        ref = await keep.secrets.issue(
            self.thread,
            owner=self.owner,
            handle=self.word("handle"),
            request_id=self.request("issue"),
            ttl_seconds=60,
        )
        assert not isinstance(ref, Refused)
        received = await keep.secrets.consume(ref, request_id=self.request("use"))
        assert isinstance(received, Opened)
        received.material.wipe()
        await keep.credentials.put(
            self.owner,
            self.word("account"),
            provider=self.word("provider"),
            handles=[self.word("handle")],
            targets=[Target.of("canary.example", "/canary", methods=["GET"])],
            details=AccountDetails(label=self.word("label")),
            expected=ABSENT,
            request_id=self.request("account"),
        )
        session = keep.credentials.new_session_id()
        self.words |= {session.reveal(), "canary.example"}
        await keep.credentials.open(
            self.thread, session, owner=self.owner, account=self.word("account")
        )
        used = await keep.credentials.use(
            self.thread,
            session,
            operation_id=self.request("operation"),
            method="GET",
            url="https://canary.example/canary",
            handles=[self.word("handle")],
        )
        assert not isinstance(used, Refused)

    async def _budgets(self, keep: Keep) -> None:
        await keep.budgets.set_limit(
            AccountRef.user(self.word("tenant"), self.word("user")),
            Limits.of(Lifetime(), {TOKENS: Ceiling.of(1_000)}),
            by=self.person,
            request_id=self.request("limit"),
        )
        async with keep.budgets.hold(
            self.owner, id=self.request("hold"), estimate={TOKENS: 5}, owner=self.word("worker")
        ) as held:
            held.use({TOKENS: 7})
        refused = await keep.budgets.reserve(
            self.owner,
            id=self.request("more"),
            estimate={TOKENS: 5_000},
            owner=self.word("worker"),
        )
        assert isinstance(refused, Refused)

    async def _leases(self, keep: Keep) -> None:
        async with keep.leases.hold(self.owner, self.word("lease"), holder=self.word("holder")):
            held = await keep.leases.acquire(
                self.owner,
                self.word("lease"),
                holder=self.word("other"),
                request_id=self.request("lease"),
            )
            assert isinstance(held, Refused)

    async def _approvals(self, keep: Keep) -> None:
        asked = await keep.approvals.raise_request(
            self.owner,
            invocation=InvocationId(self.word("invocation")),
            action=Dispatch(
                capability=CapabilityId(self.word("tool")), estimate=Estimate.nothing()
            ),
            effects=frozenset({Effect.READS}),
            requester=Principal.agent(self.word("bot")),
            correlation_id=CorrelationId(self.word("work")),
            input={self.word("name"): self.word("input")},
            reason=self.word("reason"),
            display=self.word("display"),
        )
        assert isinstance(asked, ApprovalView)
        self.words.add(str(asked.id))
        await keep.approvals.deny(
            self.owner, asked.id, by=self.person, decision_id=self.request("no")
        )

    async def _turns(self, keep: Keep) -> None:
        async def handler(ctx: RunContext) -> Ref:
            self.words |= {str(ctx.run.id), str(ctx.turn.id)}
            await ctx.effect(self.word("step"), step, {self.word("arg"): 1})
            await ctx.spend(self.word("spend"), {TOKENS: 5}, spend, mode="safe")
            try:
                await ctx.require_approval(
                    self.word("gate"),
                    action=Dispatch(
                        capability=CapabilityId(self.word("tool")), estimate=Estimate.nothing()
                    ),
                    effects=frozenset({Effect.READS}),
                    input=self.word("input"),
                    reason=self.word("reason"),
                    display=self.word("display"),
                )
            except GateClosed as error:
                raise GiveUp(self.word("category")) from error
            return Ref(self.word("result"))

        async def step(key: IdempotencyKey) -> Json:
            self.words.add(str(key))
            return self.word("output")

        async def spend(key: IdempotencyKey) -> Metered[Json]:
            self.words.add(str(key))
            if len(tried) < 1:
                tried.append(key)
                raise StepNotDone(self.word("not-done"))
            return Metered(self.word("output"), {TOKENS: 3})

        tried: list[str] = []
        scope = ScopePrefix.owner(self.owner)
        worker = Worker(keep, handler, prefix=scope, holder=self.word("holder"))
        async with worker:
            await self._carried_out(keep, "gives up")
            await self._carried_out(keep, "once more")

    async def _carried_out(self, keep: Keep, name: str) -> None:
        run = await keep.turns.submit(
            self.thread,
            actor=self.person,
            request_id=self.request(name),
            payload=self.word("payload").encode(),
            message_ref=Ref(self.word("message")),
            source_ref=Ref(self.word("source")),
        )
        assert isinstance(run, RunView)
        while not run.status.final:
            seen = await keep.turns.wait(run.address, after_version=run.version)
            assert seen is not None
            run = seen
            if run.status is RunStatus.NEEDS_OPERATOR:
                await keep.turns.retry(
                    run.address,
                    settlements={
                        id: NotDone(category=Category(self.word("voided")), redo=True)
                        for id in run.open
                    },
                    actor=Actor.operator(Principal.person(self.word("olga"))),
                    request_id=self.request(f"{name}-retry-{run.version}"),
                )
            if run.status is RunStatus.BLOCKED:
                await self._no(keep)

    async def _no(self, keep: Keep) -> None:
        page = await keep.approvals.list_pending(ScopePrefix.owner(self.owner))
        for view in page.approvals:
            self.words.add(str(view.id))
            await keep.approvals.deny(
                view.scope, view.id, by=self.person, decision_id=self.request(str(view.id))
            )

    async def _mistakes(self, keep: Keep) -> None:
        for mistake in (
            keep.leases.get(self.owner, self.word("a name that is none") + "\n"),
            keep.turns.get(self.word("no address")),  # type: ignore[arg-type]  # a host's mistake
            keep.approvals.erase_payload(self.owner, self.word("unknown")),
        ):
            try:
                await asyncio.wait_for(mistake, 10)
            except TurnkeepError:
                continue
