-- title: Where the money goes
-- question: Of each model's cost, how much is fresh input, cached input, cache writes and output?
SELECT
    model,
    sum(cost_usd) AS spent_usd,
    sum(cost_input_usd) AS fresh_input_usd,
    sum(cost_cache_read_usd) AS cached_input_usd,
    sum(cost_cache_write_usd) AS cache_writes_usd,
    sum(cost_output_usd) AS output_usd
FROM agent_costs
WHERE namespace = {namespace:String}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
GROUP BY model
HAVING spent_usd > 0
ORDER BY spent_usd DESC, model;
