-- title: Agents
-- question: Who is there, whose is it, what does it run on, and what does it do and cost in the range (first and last seen: of 400 days, to the minute)?
-- unit: short
SELECT
    CAST(known.agent_name, 'String') AS agent,
    if(teams = '', '(none)', teams) AS team,
    environments,
    version,
    versions,
    models,
    tools,
    first_seen,
    last_seen,
    steps,
    errors,
    spend,
    unpriced
FROM
(
    SELECT
        agent_name,
        arrayStringConcat(arraySort(groupUniqArrayIf(value, fact = 'team')), ', ') AS teams,
        arrayStringConcat(arraySort(groupUniqArrayIf(value, fact = 'environment')), ', ') AS environments,
        argMaxIf(value, last_time, fact = 'version') AS version,
        uniqExactIf(value, fact = 'version') AS versions,
        arrayStringConcat(arraySort(groupUniqArrayIf(value, fact = 'model' AND last_time >= $__fromTime)), ', ') AS models,
        uniqExactIf(value, fact = 'tool' AND last_time >= $__fromTime) AS tools,
        min(first_time) AS first_seen,
        max(last_time) AS last_seen
    FROM agent_sightings
    WHERE {{agents}}
        AND day <= toDate($__toTime, 'UTC')
        AND first_time < $__toTime
    GROUP BY agent_name
) AS known
INNER JOIN
(
    SELECT
        agent_name,
        sum(w.steps) AS steps,
        sumIf(w.errors, {{leaves}}) / nullIf(sumIf(w.steps, {{leaves}}), 0) AS errors,
        {{spend}} AS spend,
        sum(w.unpriced_steps) AS unpriced
    FROM window_parts AS w
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
    GROUP BY agent_name
    HAVING steps > 0
) AS did ON did.agent_name = known.agent_name
ORDER BY last_seen DESC, agent
LIMIT 500
