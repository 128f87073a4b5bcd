-- title: Statistic and threshold
-- question: What evidence has the chosen stream's detector gathered, against which threshold (lower while an alarm waits to be confirmed; all environments)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    max(statistic) AS statistic,
    min(threshold) AS threshold
FROM
(
    SELECT time, statistic, threshold
    FROM agent_readings
    WHERE {{agents}}
        AND {{stream}}
        AND {{in_range}}
)
GROUP BY time
ORDER BY time
