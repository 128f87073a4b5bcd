-- title: Spend by agent and model
-- question: Which agent spends how much on which model, and how many of its calls have no price?
SELECT
    agent_name,
    model,
    sum(calls) AS billed_calls,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    sum(cost_usd) AS spent_usd,
    sum(unpriced_calls) AS without_price
FROM agent_costs
WHERE namespace = {namespace:String}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
GROUP BY agent_name, model
HAVING billed_calls > 0
ORDER BY spent_usd DESC NULLS LAST, agent_name, model;
