"""P8: one update through the loop on the memory store, against the codec alone.

The codec by itself keeps no records: else it would decode no body that it has just written, as an
update must that finds another one's.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.approval_pair import ApprovalPair
from benchmarks.figure import AtMost, Benchmark, Figure, Ratio, Side
from benchmarks.loss import require_approvals
from benchmarks.writers import Writers
from turnkeep import Container
from turnkeep_adapters.codec.formats import EVENTS, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_ports.codec import Codec

TIMES: Final = 250
WARM_UP: Final = 100


def measure(rounds: int) -> Figure:
    """Measures both sides in turns, so that a busy machine is busy for both."""
    return Figure(
        number="P8",
        title="one update of an approval on the memory store, against the codec alone",
        ratios=(asyncio.run(_measure(rounds)),),
    )


async def _measure(rounds: int) -> Ratio:
    container = Container()
    pair = ApprovalPair.made()
    codec = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS)
    ours, peer = list[float](), list[float]()
    async with container.store() as store:
        writers = Writers.on(store)
        await writers.seconds([pair], WARM_UP)
        for _ in range(rounds):
            ours.append(await writers.seconds([pair], TIMES))
            peer.append(_timed_codec(codec, pair))
        await require_approvals(store, [pair], writers.acknowledged)
    return Ratio(
        name="the loop",
        ours=Side(name="update", rounds=tuple(ours)),
        peer=Side(name="decode and encode", rounds=tuple(peer)),
        goal=AtMost(3.0),
    )


def _timed_codec(codec: Codec, pair: ApprovalPair) -> float:
    body = codec.encode(pair.one)
    codec.encode(codec.decode(APPROVALS, pair.where.address, body))
    started = time.perf_counter()
    for _ in range(TIMES):
        codec.encode(codec.decode(APPROVALS, pair.where.address, body))
    return (time.perf_counter() - started) / TIMES


BENCHMARK: Final = Benchmark(measure=measure, rounds=40, rounds_quick=10)
