-- title: Time to the first token
-- question: After what time has each model begun to answer, in half and in 95 % of the calls that tell it?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    concat(model, share.1) AS series,
    share.2 AS wait_s
FROM
(
    SELECT
        $__timeInterval(time) AS time,
        model,
        arrayJoin(arrayZip([' p50', ' p95'], quantilesExact(0.5, 0.95)(assumeNotNull(time_to_first_chunk_s)))) AS share
    FROM
    (
        SELECT time, model, time_to_first_chunk_s
        FROM agent_steps
        WHERE {{scope}}
            AND {{models}}
            AND {{in_range}}
            AND kind = 'llm'
            AND time_to_first_chunk_s IS NOT NULL
    )
    GROUP BY time, model
)
ORDER BY time, series
