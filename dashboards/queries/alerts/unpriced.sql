-- title: Unpriced traffic
-- question: Which share of an agent's calls of models has usage and no price, by model, so that its spend is too low?
-- unit: percentunit
SELECT agent, model, share
FROM
(
    SELECT
        if(agent_name = '', 'unattributed', CAST(agent_name, 'String')) AS agent,
        CAST(model, 'String') AS model,
        sum(unpriced_steps) / sum(sum(steps)) OVER (PARTITION BY agent_name) AS share
    FROM window_parts
    WHERE namespace = {namespace}
        AND width_s = 60
        AND kind IN ('llm', 'embedding')
        AND {{in_range}}
    GROUP BY agent_name, model
)
WHERE share >= {recovers_below}
ORDER BY agent, model
