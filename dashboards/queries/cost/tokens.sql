-- title: Tokens by kind
-- question: How many tokens are read anew, read from the cache, written to it, thought and answered?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    sum(input_tokens) - sum(cache_read_input_tokens) - sum(cache_write_input_tokens) AS `New input`,
    sum(cache_read_input_tokens) AS `Cached input`,
    sum(cache_write_input_tokens) AS `Written to the cache`,
    sum(reasoning_output_tokens) AS `Reasoning`,
    sum(output_tokens) - sum(reasoning_output_tokens) AS `Answer`
FROM
(
    SELECT time, input_tokens, cache_read_input_tokens, cache_write_input_tokens, output_tokens, reasoning_output_tokens
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{in_range}}
)
GROUP BY time
ORDER BY time
