"""What can be set of DRIFT? Parameters alone; state and code are elsewhere."""

from dataclasses import dataclass, field

from streams.windows.windows import SECOND_NS, WindowParams


@dataclass(frozen=True)
class Params:
    """Parameters of DRIFT.

    Attributes:
        namespace: goes into the ids of streams and incidents.
        detector_arl: mean observations of a stream to a false alarm, at least.
        late_ns: a step whose time is longer before its append time is kept from the detectors.
        pairs: (agent, step) pairs that are watched in one partition, up to 2 kB each; more are counted.
        windows: those of `streams.windows`.
    """

    namespace: str
    detector_arl: float = 10_000.0
    late_ns: int = 3_600 * SECOND_NS
    pairs: int = 10_000
    windows: WindowParams = field(default_factory=WindowParams)
