-- title: Contents
-- question: What was asked, thought, answered and handed to tools in the run, as far as policy stored it (the first 4,000 characters of each)?
-- unit: short
SELECT
    time AS started,
    name,
    leftUTF8(content, 4000) AS content,
    length_bytes AS whole,
    event_id AS event
FROM agent_contents
WHERE {{of_run}}
ORDER BY started, event, name
LIMIT 500
