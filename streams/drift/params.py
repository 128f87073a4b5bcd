"""What can be set of DRIFT? Parameters alone; state and code are elsewhere."""

from dataclasses import dataclass, field

from streams.windows.windows import SECOND_NS, WindowParams


@dataclass(frozen=True)
class Params:
    """Parameters of DRIFT.

    Attributes:
        namespace: goes into the ids of streams and incidents.
        detector_arl: mean observations of a stream to a false alarm, at least; divided by a signal's budget.
        late_ns: a step whose time is longer before its append time is kept from the detectors.
        run_spacing_ns: between two values of one run and step that a detector takes; 0: it takes all.
        run_segments: pairs of a run and a step of its that are remembered for that in one partition.
        segments: steps of agents that are watched in one partition, and agents, up to 8 kB each; more are
            counted.
        agent_segments: of these of one agent.
        names: of tools, models and finish reasons that are told apart in one partition; more are `other`.
        stream_names: of these in one stream.
        first_values: pairs of a stream and a value of its that are remembered; beyond, none is told as new.
        first_values_daily: of a stream that are told one by one in a day.
        windows: those of `streams.windows`.
    """

    namespace: str
    detector_arl: float = 100_000.0
    late_ns: int = 3_600 * SECOND_NS
    run_spacing_ns: int = 600 * SECOND_NS
    run_segments: int = 200_000
    segments: int = 10_000
    agent_segments: int = 1_000
    names: int = 100_000
    stream_names: int = 1_000
    first_values: int = 100_000
    first_values_daily: int = 5
    windows: WindowParams = field(default_factory=WindowParams)
