-- title: Steps a second by source
-- question: Through which door do steps come (whole namespace)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    source,
    sum(rows) / greatest($__interval_s, 60) AS rows
FROM
(
    SELECT time, source, rows
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure = 'steps'
)
GROUP BY time, source
ORDER BY time, source
