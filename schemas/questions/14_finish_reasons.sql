-- title: Why answers end
-- question: Why do models stop, and how many answers were cut off at the limit of tokens?
SELECT
    model,
    arrayStringConcat(finish_reasons, ', ') AS reason,
    count() AS calls,
    avg(output_tokens) AS mean_tokens_out,
    countIf(hasAny(finish_reasons, ['length', 'max_tokens', 'MAX_TOKENS'])) AS cut_off
FROM agent_steps
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND kind = 'llm'
GROUP BY model, reason
ORDER BY calls DESC, model, reason;
