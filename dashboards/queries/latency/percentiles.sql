-- title: Duration of steps
-- question: How long do half, 95 % and 99 % of steps take at most (agents and runs, which contain steps, left out)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    toNullable(quantileExactWeighted(0.5)(middle_s, toUInt64(steps))) AS p50,
    toNullable(quantileExactWeighted(0.95)(middle_s, toUInt64(steps))) AS p95,
    toNullable(quantileExactWeighted(0.99)(middle_s, toUInt64(steps))) AS p99
FROM
(
    SELECT time, middle_s, steps
    FROM duration_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
)
GROUP BY time
-- A line ends where nothing was measured.
ORDER BY time WITH FILL STEP toIntervalSecond({{lane_s}})
