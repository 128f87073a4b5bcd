-- title: When it arrived
-- question: When did the runs of this range reach Kafka (in a replay or the demonstration, long after they happened: then panels that count by the time of storing are empty here, and the link leads to where they are not)?
-- unit: short
SELECT
    uniqExact(run_id) AS runs,
    min(append_time) AS first_arrived,
    max(append_time) AS last_arrived,
    toUnixTimestamp(first_arrived) * 1000 - 60000 AS from_ms,
    toUnixTimestamp(last_arrived) * 1000 + 120000 AS to_ms
FROM run_parts
WHERE {{run_scope}}
    AND {{in_range}}
HAVING count() > 0
