-- title: Steps by duration
-- question: How many steps take how long, and when does the picture change (agents and runs left out)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    sumIf(steps, middle_s < 0.01) AS `< 10 ms`,
    sumIf(steps, middle_s >= 0.01 AND middle_s < 0.03) AS `10 ms`,
    sumIf(steps, middle_s >= 0.03 AND middle_s < 0.1) AS `30 ms`,
    sumIf(steps, middle_s >= 0.1 AND middle_s < 0.3) AS `100 ms`,
    sumIf(steps, middle_s >= 0.3 AND middle_s < 1) AS `300 ms`,
    sumIf(steps, middle_s >= 1 AND middle_s < 3) AS `1 s`,
    sumIf(steps, middle_s >= 3 AND middle_s < 10) AS `3 s`,
    sumIf(steps, middle_s >= 10 AND middle_s < 30) AS `10 s`,
    sumIf(steps, middle_s >= 30 AND middle_s < 100) AS `30 s`,
    sumIf(steps, middle_s >= 100 AND middle_s < 300) AS `100 s`,
    sumIf(steps, middle_s >= 300) AS `> 300 s`
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
ORDER BY time
