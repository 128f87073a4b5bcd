-- title: Spend by agent
-- question: Which agent spends how much, and when?
-- unit: currencyUSD
SELECT
    $__timeInterval(time) AS time,
    agent_name AS agent,
    {{spend}} AS spend
FROM
(
    SELECT time, agent_name, cost_usd, unpriced_steps, steps
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
)
GROUP BY time, agent
HAVING sum(steps) > 0
ORDER BY time, agent
