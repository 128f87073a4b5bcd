-- title: Spend by day
-- question: What did each day cost, and how many runs began on it?
SELECT
    toDate(time) AS day,
    uniqExact(run_id) AS began,
    sum(llm_calls) AS calls,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    sum(cost_usd) AS spent_usd
FROM run_parts
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
GROUP BY day
ORDER BY day;
