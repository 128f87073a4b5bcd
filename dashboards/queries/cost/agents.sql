-- title: Agents by spend
-- question: Which agent spends how much on what, which share of it, and how much of its usage has no price?
-- unit: short
SELECT
    agent_name AS agent,
    model,
    sumIf(steps, kind IN ('llm', 'embedding')) AS calls,
    sum(input_tokens) AS input,
    sum(cache_read_input_tokens) / nullIf(sum(input_tokens), 0) AS cached,
    sum(output_tokens) AS output,
    {{spend}} AS spend,
    toFloat64(sum(cost_usd)) / nullIf(sum(toFloat64(sum(cost_usd))) OVER (), 0) AS share,
    sum(unpriced_steps) AS unpriced
FROM window_parts
WHERE {{scope}}
    AND {{models}}
    AND {{width}}
    AND {{in_range}}
    AND model != ''
GROUP BY agent, model
ORDER BY spend DESC NULLS LAST, agent, model
LIMIT 200
