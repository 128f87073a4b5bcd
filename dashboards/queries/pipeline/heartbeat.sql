-- title: Signs of life
-- question: In which minutes did something of each role's reach ClickHouse (whole namespace)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    role,
    1 AS state
FROM
(
    SELECT time, multiIf(measure IN ('steps', 'started_steps'), 'INGEST', measure IN ('runs', 'corrected_steps'), 'RUNS', 'DRIFT') AS role
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure NOT LIKE '%_delay'
)
GROUP BY time, role
ORDER BY time, role
