-- title: Steps a second
-- question: How many steps a second were stored (as emitted, repeats included), and how does that compare with as long a time before (whole namespace)?
-- unit: short
SELECT
    point.1 AS time,
    point.2 / greatest(1, {{length_s}}) AS steps
FROM
(
    SELECT arrayJoin([
        ($__fromTime, nullIf(sumIf(rows, time < $__fromTime), 0)),
        ($__toTime, nullIf(sumIf(rows, time >= $__fromTime), 0))
    ]) AS point
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND measure = 'steps'
        AND {{since_previous}}
)
WHERE time = $__toTime OR steps > 0
ORDER BY time
