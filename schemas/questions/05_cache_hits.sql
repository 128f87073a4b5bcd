-- title: Cache hits
-- question: Which share of its input does each agent read from the provider's cache, and what did that save?
SELECT
    agent_name,
    model,
    sum(c.input_tokens) AS tokens_in,
    sum(c.cached_tokens) AS tokens_cached,
    tokens_cached / nullIf(tokens_in, 0) AS cached_share,
    round(sum(c.saved_usd), 6) AS saved
FROM agent_cache_savings AS c
WHERE namespace = {namespace:String}
    AND day >= toStartOfDay({since:DateTime('UTC')})
    AND day < {until:DateTime('UTC')}
GROUP BY agent_name, model
HAVING tokens_in > 0
ORDER BY tokens_in DESC, agent_name, model;
