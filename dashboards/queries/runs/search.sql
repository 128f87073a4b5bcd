-- title: Found in contents
-- question: Which prompts, answers and arguments of the range hold the text in the box "Search" (capitals or not; the newest 100; all models, statuses and costs of a run)?
-- unit: short
SELECT
    time AS started,
    name,
    substringUTF8(content, greatest(positionCaseInsensitiveUTF8(content, needle) - 60, 1), 240) AS found,
    run_id AS run,
    event_id AS event
FROM
(
    SELECT time, name, content, run_id, event_id, decodeURLComponent('${search:percentencode}') AS needle
    FROM agent_contents
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND needle != ''
        AND positionCaseInsensitiveUTF8(content, needle) > 0
        AND run_id IN
        (
            SELECT run_id
            FROM run_parts
            WHERE {{run_scope}}
                AND {{since_previous}}
        )
)
ORDER BY started DESC, event, name
LIMIT 100
