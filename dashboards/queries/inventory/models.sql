-- title: Models and providers
-- question: Which models are called, of which provider, by how many agents, since when, and what do they cost?
-- unit: short
SELECT
    CAST(used.model, 'String') AS model,
    providers,
    agents,
    calls,
    errors,
    input,
    output,
    spend,
    unpriced,
    first_seen
FROM
(
    SELECT
        model,
        uniqExact(agent_name) AS agents,
        sum(w.steps) AS calls,
        sum(w.errors) / nullIf(sum(w.steps), 0) AS errors,
        sum(w.input_tokens) AS input,
        sum(w.output_tokens) AS output,
        {{spend}} AS spend,
        sum(w.unpriced_steps) AS unpriced
    FROM window_parts AS w
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
        AND kind IN ('llm', 'embedding')
    GROUP BY model
    HAVING calls > 0
) AS used
LEFT JOIN
(
    SELECT model, arrayStringConcat(arraySort(groupUniqArrayIf(provider_name, provider_name != '')), ', ') AS providers
    FROM step_labels
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND kind IN ('llm', 'embedding')
    GROUP BY model
) AS told ON told.model = used.model
LEFT JOIN
(
    SELECT value AS model, min(first_time) AS first_seen
    FROM agent_sightings
    WHERE {{agents}}
        AND fact = 'model'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY model
) AS known ON known.model = used.model
ORDER BY spend DESC NULLS LAST, calls DESC, model
LIMIT 200
