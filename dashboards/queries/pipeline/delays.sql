-- title: Delay to ClickHouse
-- question: How long after the broker appended them can half, 95 % and 99 % of steps be asked for (whole namespace)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    toNullable(quantileExactWeighted(0.5)(upper_s, rows)) AS p50,
    toNullable(quantileExactWeighted(0.95)(upper_s, rows)) AS p95,
    toNullable(quantileExactWeighted(0.99)(upper_s, rows)) AS p99
FROM
(
    SELECT time, upper_s, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure = 'pipeline_delay'
)
GROUP BY time
-- A line ends where nothing was measured.
ORDER BY time WITH FILL STEP toIntervalSecond(greatest(60, $__interval_s))
