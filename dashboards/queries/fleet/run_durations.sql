-- title: Duration of runs
-- question: How long do half, 95 % and 99 % of closed runs take at most, by the time at which they began?
-- unit: s
SELECT
    $__timeInterval(began) AS time,
    toNullable(quantileExact(0.5)(seconds)) AS p50,
    toNullable(quantileExact(0.95)(seconds)) AS p95,
    toNullable(quantileExact(0.99)(seconds)) AS p99
FROM
(
    {{whole_runs}}
        AND {{in_range}}
    GROUP BY run_id
    HAVING last_state = 'closed'
)
GROUP BY time
-- A line ends where nothing was measured.
ORDER BY time WITH FILL STEP toIntervalSecond($__interval_s)
