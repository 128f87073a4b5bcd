SELECT
    seen.agent_name AS agent_name,
    teams,
    multiIf(
        agent_name = 'unattributed', 'no step says whose it is',
        agent_name IN (SELECT DISTINCT service_name FROM step_labels WHERE namespace = decodeURLComponent('${namespace:percentencode}') AND {{in_range}}), 'named after its service: no step names an agent',
        length(teams) = 0, 'no run names a team',
        runs_of_nobody > 0, concat(toString(runs_of_nobody), ' of its ', toString(runs), ' own runs name no team'),
        ''
    ) AS missing,
    first_seen,
    last_seen
FROM
(
    SELECT
        agent_name,
        arraySort(groupUniqArrayIf(value, fact = 'team')) AS teams,
        min(first_time) AS first_seen,
        max(last_time) AS last_seen
    FROM agent_sightings
    WHERE {{sighted}}
        AND day <= toDate($__toTime, 'UTC')
        AND first_time < $__toTime
    GROUP BY agent_name
) AS seen
LEFT JOIN
(
    SELECT agent_name, uniqExact(run_id) AS runs, uniqExactIf(run_id, team = '') AS runs_of_nobody
    FROM run_parts
    WHERE {{run_scope}}
        AND {{in_range}}
    GROUP BY agent_name
) AS own ON own.agent_name = seen.agent_name
