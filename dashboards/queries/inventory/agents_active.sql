-- title: Agents at work
-- question: How many agents had steps, and how does that compare with as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS agents
FROM
(
    SELECT arrayJoin([
        ($__fromTime, uniqExactIf(agent_name, time < $__fromTime)),
        ($__toTime, uniqExactIf(agent_name, time >= $__fromTime))
    ]) AS point
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
)
WHERE time = $__toTime OR agents > 0
ORDER BY time
