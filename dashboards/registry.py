"""Which dashboards are there? All, in the order of a tour: from the whole fleet to the pipeline itself."""

from collections.abc import Callable

from dashboards import cost, drift, fleet, inventory, latency, pipeline, runs
from dashboards.panels import Json

# uid to what builds it.
DASHBOARDS: dict[str, Callable[[], Json]] = {
    fleet.UID: fleet.build,
    cost.UID: cost.build,
    latency.UID: latency.build,
    runs.UID: runs.build,
    drift.UID: drift.build,
    inventory.UID: inventory.build,
    pipeline.UID: pipeline.build,
}
