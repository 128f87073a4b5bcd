-- title: Steps by delay
-- question: How many steps are stored how long after their append (whole namespace)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    sumIf(rows, bucket < 0) AS `clocks differ`,
    sumIf(rows, bucket >= 0 AND upper_s <= 0.3) AS `< 300 ms`,
    sumIf(rows, upper_s > 0.3 AND upper_s <= 1.03) AS `300 ms`,
    sumIf(rows, upper_s > 1.03 AND upper_s <= 3) AS `1 s`,
    sumIf(rows, upper_s > 3 AND upper_s <= 10) AS `3 s`,
    sumIf(rows, upper_s > 10 AND upper_s <= 30) AS `10 s`,
    sumIf(rows, upper_s > 30 AND upper_s <= 100) AS `30 s`,
    sumIf(rows, upper_s > 100 AND upper_s <= 300) AS `100 s`,
    sumIf(rows, upper_s > 300) AS `> 300 s`
FROM
(
    SELECT time, bucket, upper_s, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure = 'pipeline_delay'
)
GROUP BY time
ORDER BY time
