-- title: Spend by user
-- question: For whom was most spent: the fifteen greatest, of runs that name a user (all models of a run)?
-- unit: currencyUSD
SELECT
    user_id AS user,
    toFloat64(sum(cost_usd)) AS spend
FROM run_parts
WHERE {{run_scope}}
    AND {{in_range}}
    AND user_id != ''
GROUP BY user
HAVING spend > 0
ORDER BY spend DESC, user
LIMIT 15
