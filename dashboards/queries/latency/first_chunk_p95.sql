-- title: First token, p95
-- question: After what time have 95 % of calls that tell it begun to answer?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p95
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactOrNullIf(0.95)(wait_s, time < $__fromTime)),
        ($__toTime, quantileExactOrNullIf(0.95)(wait_s, time >= $__fromTime))
    ]) AS point
    FROM
    (
        SELECT time, assumeNotNull(time_to_first_chunk_s) AS wait_s
        FROM agent_steps
        WHERE {{scope}}
            AND {{models}}
            AND {{since_previous}}
            AND kind = 'llm'
            AND time_to_first_chunk_s IS NOT NULL
    )
)
WHERE time = $__toTime OR p95 > 0
ORDER BY time
