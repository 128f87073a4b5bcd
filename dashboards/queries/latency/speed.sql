-- title: Speed of answers
-- question: How many output tokens a second does each model write, as the median of its calls (from the first token where it is told, else from the start)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    model,
    quantileExact(0.5)(output_tokens / writing_s) AS speed
FROM
(
    SELECT
        time,
        model,
        assumeNotNull(output_tokens) AS output_tokens,
        assumeNotNull(duration_s - ifNull(time_to_first_chunk_s, 0)) AS writing_s
    FROM agent_steps
    WHERE {{scope}}
        AND {{models}}
        AND {{in_range}}
        AND kind = 'llm'
        AND output_tokens > 0
        AND duration_s > ifNull(time_to_first_chunk_s, 0)
        AND NOT ifNull(response_cached, false)
)
GROUP BY time, model
ORDER BY time, model
