-- title: Unpriced calls over time
-- question: Calls of which models have usage and no price?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    if(model = '', '(unnamed)', model) AS model,
    sum(unpriced_steps) AS calls
FROM
(
    SELECT time, model, unpriced_steps
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
        AND unpriced_steps != 0
)
GROUP BY time, model
HAVING calls > 0
ORDER BY time, model
