-- title: p95 by step
-- question: Below which duration are 95 % of each step, for the ten steps that take the most time in all?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    step_name AS step,
    quantileExactWeighted(0.95)(middle_s, toUInt64(steps)) AS p95
FROM
(
    SELECT time, step_name, middle_s, steps
    FROM duration_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
        AND step_name IN {{top_steps}}
)
GROUP BY time, step
ORDER BY time, step
