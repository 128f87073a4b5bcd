-- title: Models in use
-- question: How many models were called, and how does that compare with as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS models
FROM
(
    SELECT arrayJoin([
        ($__fromTime, uniqExactIf(model, time < $__fromTime)),
        ($__toTime, uniqExactIf(model, time >= $__fromTime))
    ]) AS point
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
        AND kind IN ('llm', 'embedding')
        AND model != ''
)
WHERE time = $__toTime OR models > 0
ORDER BY time
