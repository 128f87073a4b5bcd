"""How long is it to a false alarm really, on each law, beside what was promised?"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from detectors.evaluate import PER, RunLength, realised_arl
from detectors.synthetic import LAWS, Nature
from tests.bench.drift import ours
from tests.bench.drift.protocol import Size

PROMISES = (1e2, 1e3, 1e4)
_HORIZON = 5
"""In multiples of what is promised: the mean of times cut off there is not far below the true one."""


@dataclass(frozen=True, slots=True)
class LawResult:
    """What was realised on one law."""

    law: str
    promised: float
    realised: RunLength
    alarms_per_10k: float


def run_law(law: str, size: Size, promised: float) -> LawResult:
    """Watch streams that keep a law for five times what is promised."""
    warm_up = ours.warm_up(Nature.NUMBER)
    horizon = int(_HORIZON * promised)
    rng = np.random.default_rng(crc32(f"{law}|{promised}".encode()))
    values = LAWS[law](rng, (warm_up + horizon, size.law_streams))
    alarms = ours.watch(Nature.NUMBER, promised, values).alarms
    return LawResult(
        law,
        promised,
        realised_arl(alarms, size.law_streams, warm_up, horizon),
        PER * len(alarms.time) / values.size,
    )
