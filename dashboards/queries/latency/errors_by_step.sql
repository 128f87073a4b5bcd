-- title: Failed by step
-- question: Which share of each step fails, for the ten steps that take the most time in all?
-- unit: percentunit
SELECT
    $__timeInterval(time) AS time,
    step_name AS step,
    sum(errors) / sum(steps) AS errors
FROM
(
    SELECT time, step_name, errors, steps
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
        AND step_name IN {{top_steps}}
)
GROUP BY time, step
HAVING sum(steps) > 0
ORDER BY time, step
