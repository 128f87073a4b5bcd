-- title: Spend by model
-- question: Which model costs how much, and when?
-- unit: currencyUSD
SELECT
    $__timeInterval(time) AS time,
    model AS model,
    toFloat64(sum(cost_usd)) AS spend
FROM
(
    SELECT time, model, cost_usd
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{in_range}}
        AND cost_usd != 0
)
GROUP BY time, model
HAVING spend != 0
ORDER BY time, model
