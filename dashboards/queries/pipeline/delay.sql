-- title: p95 of the delay
-- question: Within which time of their append are 95 % of steps stored and can be asked for, and how was that in as long a time before (whole namespace)?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p95
FROM
(
    SELECT arrayJoin([
        ($__fromTime, if(sumIf(rows, time < $__fromTime) > 0, quantileExactWeightedIf(0.95)(upper_s, rows, time < $__fromTime), NULL)),
        ($__toTime, if(sumIf(rows, time >= $__fromTime) > 0, quantileExactWeightedIf(0.95)(upper_s, rows, time >= $__fromTime), NULL))
    ]) AS point
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND measure = 'pipeline_delay'
        AND {{since_previous}}
)
WHERE time = $__toTime OR p95 > 0
ORDER BY time
