-- title: Delay to ClickHouse
-- question: How long after the broker appended them can half, 95 % and 99 % of steps be asked for (whole namespace)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    quantileExactWeighted(0.5)(upper_s, rows) AS p50,
    quantileExactWeighted(0.95)(upper_s, rows) AS p95,
    quantileExactWeighted(0.99)(upper_s, rows) AS p99
FROM
(
    SELECT time, upper_s, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure = 'pipeline_delay'
)
GROUP BY time
ORDER BY time
