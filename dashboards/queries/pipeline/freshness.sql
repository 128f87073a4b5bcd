-- title: Still for
-- question: For how long has nothing of each role's been stored at the end of the range (a fleet that rests writes nothing; whole minutes; whole namespace)?
-- unit: s
SELECT
    multiIf(measure IN ('steps', 'started_steps'), 'INGEST', measure IN ('runs', 'corrected_steps'), 'RUNS', 'DRIFT') AS role,
    greatest(0, dateDiff('second', max(time) + INTERVAL 1 MINUTE, {{until}})) AS still
FROM agent_arrivals
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
    AND measure NOT LIKE '%_delay'
GROUP BY role
ORDER BY still DESC, role
LIMIT 10
