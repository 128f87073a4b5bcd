-- title: Still for
-- question: For how long has nothing of each role's been stored at the end of the range (of a role that stored nothing in it, for all of the range at least; a fleet that rests writes nothing; whole minutes; whole namespace)?
-- unit: s
SELECT
    last.1 AS role,
    greatest(0, least({{length_s}}, dateDiff('second', last.2 + INTERVAL 1 MINUTE, {{until}}))) AS still
FROM
(
    SELECT arrayJoin([
        ('INGEST', maxIf(time, measure IN ('steps', 'started_steps'))),
        ('RUNS', maxIf(time, measure IN ('runs', 'corrected_steps'))),
        ('DRIFT', maxIf(time, measure NOT IN ('steps', 'started_steps', 'runs', 'corrected_steps')))
    ]) AS last
    FROM agent_arrivals
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND measure NOT LIKE '%_delay'
    HAVING count() > 0
)
ORDER BY still DESC, role
LIMIT 10
