-- title: Rows a second
-- question: How many rows a second does each role get stored: INGEST's steps, what RUNS corrects and sums up, what DRIFT sums up and reads (whole namespace)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    what,
    sum(rows) / greatest($__interval_s, 60) AS rows
FROM
(
    SELECT time, transform(measure, ['started_steps', 'steps', 'corrected_steps', 'runs', 'windows', 'readings'], ['INGEST: started steps', 'INGEST: steps', 'RUNS: corrected steps', 'RUNS: runs', 'DRIFT: windows', 'DRIFT: readings'], '') AS what, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure NOT LIKE '%_delay'
)
GROUP BY time, what
ORDER BY time, what
