-- title: Versions
-- question: Which versions of which agents were seen in the range, since when, and how do they do?
-- unit: short
SELECT
    CAST(did.agent_name, 'String') AS agent,
    if(did.agent_version = '', '(none)', did.agent_version) AS version,
    environments,
    first_seen,
    last_seen,
    steps,
    steps / sum(steps) OVER (PARTITION BY agent) AS share,
    errors,
    spend,
    unpriced
FROM
(
    SELECT
        agent_name,
        agent_version,
        arrayStringConcat(arraySort(groupUniqArray(if(environment = '', '(none)', environment))), ', ') AS environments,
        max(time) AS last_seen,
        sum(w.steps) AS steps,
        sumIf(w.errors, {{leaves}}) / nullIf(sumIf(w.steps, {{leaves}}), 0) AS errors,
        {{spend}} AS spend,
        sum(w.unpriced_steps) AS unpriced
    FROM window_parts AS w
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
    GROUP BY agent_name, agent_version
    HAVING steps > 0
) AS did
LEFT JOIN
(
    SELECT agent_name, value AS agent_version, min(first_time) AS first_seen
    FROM agent_sightings
    WHERE {{agents}}
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, agent_version
) AS known ON known.agent_name = did.agent_name AND known.agent_version = did.agent_version
ORDER BY first_seen DESC, agent, version
LIMIT 200
