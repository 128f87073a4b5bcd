-- title: Tokens
-- question: How many tokens are read anew, read from the cache and written?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    sum(input_tokens) - sum(cache_read_input_tokens) AS `New input`,
    sum(cache_read_input_tokens) AS `Cached input`,
    sum(output_tokens) AS `Output`
FROM
(
    SELECT time, input_tokens, cache_read_input_tokens, output_tokens
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
)
GROUP BY time
ORDER BY time
