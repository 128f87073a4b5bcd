-- title: Dead letters
-- question: How many records were none that we can read, and how does that compare with as long a time before (whole namespace)?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS letters
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(time < $__fromTime)),
        ($__toTime, countIf(time >= $__fromTime))
    ]) AS point
    FROM agent_dead_letters
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{since_previous}}
)
WHERE time = $__toTime OR letters > 0
ORDER BY time
