-- title: Waste by agent
-- question: Whose money bought nothing, each cent once: failed runs, then loops, then calls that failed (all models of a run)?
-- unit: currencyUSD
SELECT
    agent,
    sum(failed_runs) AS `Failed runs`,
    sum(loops) AS `Loops`,
    sum(failed_calls) AS `Failed calls`
FROM
(
    {{waste}}
)
GROUP BY agent
HAVING sum(failed_runs + loops + failed_calls) > 0
ORDER BY sum(failed_runs + loops + failed_calls) DESC, agent
LIMIT 20
