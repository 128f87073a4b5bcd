"""Sends broken payloads through decoding, pricing and framing, with good ones between them.

``python -m tests.fuzz [--count N] [--seed N]``: each payload becomes steps, contents or dead letters with a
reason; never one of reason `internal`, never an exception; and good ones beside it are what they are alone.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from schemas.columns import Kind
from schemas.decoded import Decoded, Reason
from schemas.frame import Writer, decode_batch, decode_header, encode, make_header
from schemas.sources import DECODERS
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.ingest.contents import build_contents
from streams.pricing.book import PriceBook
from tests.fuzz.mutate import mutate, seeds

GROUP = 20  # payloads in one block
APPEND_NS = 1_760_000_000 * 10**9
MAX_CONTENT_BYTES = 256_000


@dataclass
class Findings:
    """What became of payloads: by reason, and those that broke something."""

    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, bytes, str]] = field(default_factory=list)


class Fuzzer:
    """Breaks payloads in a sequence that a seed decides."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._seeds = seeds()
        self._book = PriceBook()
        self._good = DECODERS[0](self._seeds[0][1])
        self._expected = self._frame([self._good])
        self.findings = Findings()

    def group(self, count: int) -> None:
        """Break so many payloads, and frame them together with a good one before, between and behind."""
        payloads = []
        for _ in range(count):
            topic, value = self._rng.choice(self._seeds)
            broken = mutate(value, self._rng)
            # One topic's bytes come to another by mistake, too.
            payloads.append((self._rng.choice((*[topic] * 27, 0, 1, 2)), broken))
        decoded = [(topic, value, self._decode(topic, value)) for topic, value in payloads]
        kept = [found for *_, found in decoded if found is not None]
        middle = len(kept) // 2
        try:
            rows = self._frame([self._good, *kept[:middle], self._good, *kept[middle:], self._good])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            self._blame(decoded, error)
            return
        for place in self._places(kept, middle):
            part = rows.slice(place, self._expected.num_rows)
            if part != self._expected:
                self.findings.broken.append(
                    (-1, b"", "a good record beside broken ones is not what it is alone")
                )

    def _decode(self, topic: int, value: bytes) -> Decoded | None:
        try:
            decoded = DECODERS[topic](value)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            self.findings.broken.append((topic, value, repr(error)))
            return None
        for rejected in decoded.rejected:
            self.findings.outcomes[rejected.reason.value] += 1
            if rejected.reason is Reason.INTERNAL or not rejected.detail.strip():
                self.findings.broken.append((topic, value, f"{rejected.reason}: {rejected.detail}"))
        self.findings.outcomes["steps"] += len(decoded.events)
        self.findings.outcomes["contents"] += len(decoded.attachments)
        self.findings.outcomes["ignored"] += decoded.ignored
        return decoded

    def _frame(self, found: list[Decoded]) -> pa.RecordBatch:
        """The rows of steps, out of a frame that was written and read; contents are framed too."""
        block, attached = Block(), Block()
        for number, decoded in enumerate(found):
            block.add(decoded.events, range(len(decoded.events)), 0, 0, 0, APPEND_NS)
            events = list(decoded.attachments)
            attached.add(events, range(len(events)), 2, 0, number, APPEND_NS)
        for one in (attached, block):
            rows = build_steps(one, self._book, keep_attributes=True)
            contents = build_contents(one, rows, MAX_CONTENT_BYTES)
            if contents is not None:
                encode(make_header(Kind.CONTENTS, Writer.INGEST, rows=contents.num_rows), contents)
        value = encode(make_header(Kind.STEPS, Writer.INGEST, rows=rows.num_rows), rows)
        return decode_batch(decode_header(value), value)

    def _places(self, kept: list[Decoded], middle: int) -> tuple[int, int, int]:
        """First rows of the three good payloads."""
        size = self._expected.num_rows
        before = sum(len(decoded.events) for decoded in kept[:middle])
        behind = sum(len(decoded.events) for decoded in kept[middle:])
        return 0, size + before, 2 * size + before + behind

    def _blame(self, decoded: list[tuple[int, bytes, Decoded | None]], error: Exception) -> None:
        """Which payload breaks the frame? Each alone."""
        guilty = []
        for topic, value, found in decoded:
            try:
                if found is not None:
                    self._frame([found])
            except Exception as alone:  # noqa: BLE001 - whatever it is, it is what we look for
                guilty.append((topic, value, f"framing: {alone!r}"))
        self.findings.broken += guilty or [(-1, b"", f"framing together: {error!r}")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="payloads (default: 200,000)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    fuzzer = Fuzzer(options.seed)
    for done in range(0, options.count, GROUP):
        fuzzer.group(min(GROUP, options.count - done))
        if done % 10_000 < GROUP:
            sys.stderr.write(f"\rseed {options.seed}: {done:,} of {options.count:,}")
    findings = fuzzer.findings
    sys.stderr.write(f"\rseed {options.seed}: {options.count:,} payloads          \n")
    for outcome, count in findings.outcomes.most_common():
        print(f"{count:>9,}  {outcome}")
    folder = Path(tempfile.gettempdir())
    for number, (topic, value, why) in enumerate(findings.broken[:20]):
        file = folder / f"wakeline-fuzz-{options.seed}-{number}.bin"
        file.write_bytes(value)
        print(f"BROKEN topic {topic}: {why[:300]}  ({file})")
    return 1 if findings.broken else 0
