-- title: Spend by team
-- question: Which team's runs cost how much, by the time at which they began (all models of a run)?
-- unit: currencyUSD
SELECT
    $__timeInterval(time) AS time,
    if(team = '', '(none)', team) AS owner,
    {{spend}} AS spend
FROM
(
    SELECT time, team, cost_usd, unpriced_steps
    FROM run_parts
    WHERE {{run_scope}}
        AND {{in_range}}
)
GROUP BY time, owner
ORDER BY time, owner
