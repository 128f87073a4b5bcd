-- title: Duration of runs
-- question: How long do half, 95 % and 99 % of closed runs take at most, by the time at which they began?
-- unit: s
SELECT
    $__timeInterval(began) AS time,
    quantileExact(0.5)(seconds) AS p50,
    quantileExact(0.95)(seconds) AS p95,
    quantileExact(0.99)(seconds) AS p99
FROM
(
    {{whole_runs}}
        AND {{in_range}}
    GROUP BY run_id
    HAVING last_state = 'closed'
)
GROUP BY time
ORDER BY time
