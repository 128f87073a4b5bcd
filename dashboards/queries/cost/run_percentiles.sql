-- title: Cost of a run
-- question: What do half, and 95 %, of closed runs cost at most (all models of a run; runs none of whose calls has a price left out)?
-- unit: currencyUSD
SELECT
    $__timeInterval(began) AS time,
    toNullable(toFloat64(quantileExact(0.5)(cost))) AS p50,
    toNullable(toFloat64(quantileExact(0.95)(cost))) AS p95
FROM
(
    {{whole_runs}}
        AND {{in_range}}
    GROUP BY run_id
    HAVING last_state = 'closed' AND (cost > 0 OR unpriced = 0)
)
GROUP BY time
-- A line ends where nothing was measured.
ORDER BY time WITH FILL STEP toIntervalSecond($__interval_s)
