-- title: Models in use
-- question: How many models were called, and how does that compare with as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS models
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(before > 0)),
        ($__toTime, countIf(now > 0))
    ]) AS point
    FROM
    (
        SELECT model, sumIf(steps, time < $__fromTime) AS before, sumIf(steps, time >= $__fromTime) AS now
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{since_previous}}
            AND kind IN ('llm', 'embedding')
            AND model != ''
        GROUP BY model
    )
)
WHERE time = $__toTime OR models > 0
ORDER BY time
