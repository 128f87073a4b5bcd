-- title: Durations before and since
-- question: How are durations of the chosen stream's step spread, in % of its steps, since its last change and before (without a change: in the range, and in as long a time before)?
-- unit: s
SELECT
    if(edge < 32, edge, bitShiftLeft(32 + edge % 32, intDiv(edge, 32) - 1)) / 1e6 AS xMin,
    if(edge < 24, edge + 8, bitShiftLeft(32 + (edge + 8) % 32, intDiv(edge + 8, 32) - 1)) / 1e6 AS xMax,
    100 * sum(earlier) / nullIf(sum(sum(earlier)) OVER (), 0) AS before,
    100 * sum(later) / nullIf(sum(sum(later)) OVER (), 0) AS since
FROM
(
    SELECT
        toInt64(intDiv(bucket, 8) * 8) AS edge,
        if(time < {{cut}}, steps, 0) AS earlier,
        if(time < {{cut}}, 0, steps) AS later
    FROM duration_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
        AND (agent_name, step_name) IN (SELECT agent_name, step_name FROM agent_readings WHERE {{agents}} AND {{stream}} AND {{in_range}})
)
GROUP BY edge
ORDER BY xMin
LIMIT 400
