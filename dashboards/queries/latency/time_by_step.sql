-- title: Time by step
-- question: Which share of all time in steps goes to which step (side by side counts twice; agents and runs left out; the ten greatest, and the others)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    step,
    sum(seconds) AS seconds
FROM
(
    SELECT
        time,
        if(step_name IN {{top_steps}}, step_name, '(others)') AS step,
        duration_ns / 1e9 AS seconds
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
)
GROUP BY time, step
ORDER BY time, step
