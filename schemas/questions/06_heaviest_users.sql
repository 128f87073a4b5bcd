-- title: Heaviest users
-- question: For whom is most spent, on how many days, and with which models?
SELECT
    user_id,
    uniqExact(toDate(hour)) AS days,
    sum(calls) AS billed_calls,
    sum(input_tokens + output_tokens) AS tokens,
    sum(cost_usd) AS spent_usd,
    arraySort(groupUniqArray(model)) AS models
FROM agent_costs
WHERE namespace = {namespace:String}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND user_id != ''
GROUP BY user_id
ORDER BY spent_usd DESC NULLS LAST, user_id
LIMIT 20;
