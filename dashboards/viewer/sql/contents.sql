-- What was a step told, what did it answer, what did it think? As the policy of INGEST stored it. `step` is as in
-- step.sql.
SELECT
    CAST(name, 'String') AS name,
    content,
    length_bytes
FROM agent_contents
WHERE namespace = {namespace:String}
    AND run_id = {run:String}
    AND {step:String} IN (event_id, if(match(event_id, '^[0-9a-f]{32}-[0-9a-f]{16}\\z'), substring(event_id, 34), ''))
ORDER BY name
LIMIT 50
