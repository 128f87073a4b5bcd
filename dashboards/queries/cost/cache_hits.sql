-- title: Read from the cache
-- question: Which share of each model's input is read from a cache?
-- unit: percentunit
SELECT
    $__timeInterval(time) AS time,
    model,
    sum(cached) / sum(given) AS hits
FROM
(
    SELECT time, model, cache_read_input_tokens AS cached, input_tokens AS given
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{in_range}}
        AND model != ''
)
GROUP BY time, model
HAVING sum(given) > 0
ORDER BY time, model
