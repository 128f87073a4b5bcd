-- title: Steps that runs wait for
-- question: For which steps did runs wait longest in all (critical path, each run's five greatest; all models of a run)?
-- unit: s
SELECT
    waited.1 AS step,
    sum(waited.2) / 1e9 AS seconds
FROM run_parts
ARRAY JOIN CAST(critical_steps, 'Array(Tuple(String, Int64))') AS waited
WHERE {{run_scope}}
    AND {{in_range}}
    AND state = 'closed'
GROUP BY step
HAVING seconds > 0
ORDER BY seconds DESC, step
LIMIT 15
