-- title: Mix of models
-- question: Which share of all tokens goes to which model?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    model,
    sum(tokens) AS tokens
FROM
(
    SELECT time, model, input_tokens + output_tokens AS tokens
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{in_range}}
        AND kind IN ('llm', 'embedding')
)
GROUP BY time, model
HAVING tokens > 0
ORDER BY time, model
