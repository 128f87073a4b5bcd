-- title: Agents at work
-- question: How many agents had steps, and how does that compare with as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS agents
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(before > 0)),
        ($__toTime, countIf(now > 0))
    ]) AS point
    FROM
    (
        SELECT agent_name, sumIf(steps, time < $__fromTime) AS before, sumIf(steps, time >= $__fromTime) AS now
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{since_previous}}
        GROUP BY agent_name
    )
)
WHERE time = $__toTime OR agents > 0
ORDER BY time
