-- title: Usage without a price
-- question: Which models have usage that no price is known for, how much, and why?
-- unit: short
SELECT
    provider_name AS provider,
    model,
    cost_reason AS reason,
    count() AS calls,
    sum(ifNull(input_tokens, 0)) AS input,
    sum(ifNull(output_tokens, 0)) AS output,
    max(time) AS last
FROM agent_steps
WHERE {{scope}}
    AND {{models}}
    AND {{in_range}}
    AND cost_status IN ('unpriced', 'partial')
GROUP BY provider, model, reason
ORDER BY calls DESC, provider, model
LIMIT 50
