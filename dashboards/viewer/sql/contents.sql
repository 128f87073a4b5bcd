-- What was a step told, what did it answer, what did it think? As the policy of INGEST stored it.
SELECT
    CAST(name, 'String') AS name,
    content,
    length_bytes
FROM agent_contents
WHERE namespace = {namespace:String}
    AND run_id = {run:String}
    AND (event_id = {step:String} OR endsWith(event_id, concat('-', {step:String})))
ORDER BY name
LIMIT 50
