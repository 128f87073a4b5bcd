-- title: Delay of emitters
-- question: How long after they ended do 95 % of steps reach Kafka, by door (in a replay: how old the history is; whole namespace)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    source,
    quantileExactWeighted(0.95)(upper_s, rows) AS p95
FROM
(
    SELECT time, source, upper_s, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure = 'emitter_delay'
)
GROUP BY time, source
ORDER BY time, source
