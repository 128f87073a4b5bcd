-- title: Models without a price
-- question: Which calls have usage but no price, so that spend is too low, and why?
SELECT
    provider_name,
    model,
    cost_reason,
    count() AS calls,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    max(time) AS last_seen
FROM agent_steps
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND cost_status = 'unpriced'
GROUP BY provider_name, model, cost_reason
ORDER BY calls DESC, provider_name, model;
