-- title: Who calls whom
-- question: Which agent starts which other one, and how often?
SELECT
    splitByString(' -> ', pair.1)[1] AS from_agent,
    splitByString(' -> ', pair.1)[2] AS to_agent,
    sum(pair.2) AS steps_started,
    uniqExact(run_id) AS runs
FROM run_parts
ARRAY JOIN CAST(agents_started, 'Array(Tuple(String, Int64))') AS pair
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
GROUP BY from_agent, to_agent
ORDER BY steps_started DESC, from_agent, to_agent;
