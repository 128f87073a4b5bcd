-- title: Loops
-- question: How many open runs called one tool with the same arguments again and again, and how does that compare with as long a time before (all environments)?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS incidents
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(time < $__fromTime)),
        ($__toTime, countIf(time >= $__fromTime))
    ]) AS point
    FROM agent_incidents
    WHERE {{agents}}
        AND detector = 'repeated-tool-call'
        AND {{since_previous}}
)
WHERE time = $__toTime OR incidents > 0
ORDER BY time
