-- title: Tokens a second
-- question: How many output tokens a second does the median call write (from the first token where it is told, else from the start)?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS speed
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactOrNullIf(0.5)(speed, time < $__fromTime)),
        ($__toTime, quantileExactOrNullIf(0.5)(speed, time >= $__fromTime))
    ]) AS point
    FROM
    (
        SELECT
            time,
            assumeNotNull(output_tokens / (duration_s - ifNull(time_to_first_chunk_s, 0))) AS speed
        FROM agent_steps
        WHERE {{scope}}
            AND {{models}}
            AND {{since_previous}}
            AND kind = 'llm'
            AND output_tokens > 0
            AND duration_s > ifNull(time_to_first_chunk_s, 0)
            AND NOT ifNull(response_cached, false)
    )
)
WHERE time = $__toTime OR speed > 0
ORDER BY time
