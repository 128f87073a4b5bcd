-- title: Incidents of the range
-- question: What changed, from what to what (at 95 % between which values), when, and is it confirmed (alarms that were withdrawn included; all environments)?
-- unit: short
SELECT
    opened_time AS opened,
    confirmed_time AS confirmed,
    closed_time AS closed,
    multiIf({{by_detectors}}, if(state = 'closed', 'withdrawn', state), detector = 'first-seen', 'new value', closed_time IS NULL, 'looping', 'loop ended') AS state,
    agent_name AS agent,
    step_name AS step,
    signal,
    category,
    direction,
    reference_level AS before,
    current_level AS after,
    if(isNull(current_low) OR isNull(current_high), '', concat(toString(round(current_low, 4)), ' – ', toString(round(current_high, 4)))) AS after_between,
    if(reference_level > 0, current_level / reference_level - 1, NULL) AS change,
    run_id,
    summary,
    toUnixTimestamp64Milli(opened_time) - 900000 AS from_ms,
    toUnixTimestamp64Milli(ifNull(closed_time, opened_time)) + 900000 AS to_ms
FROM agent_incidents
WHERE {{agents}}
    AND time < $__toTime
    AND (closed_time IS NULL OR closed_time >= $__fromTime)
ORDER BY closed_time IS NOT NULL, opened_time DESC
LIMIT 200
