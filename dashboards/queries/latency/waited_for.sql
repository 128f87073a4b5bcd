-- title: What runs wait for
-- question: Which share of the runs' time had to wait for models, for tools, for other steps, or for nothing that was told (critical path; all models of a run)?
-- unit: s
SELECT
    $__timeInterval(time) AS time,
    sum(critical_llm_ns) / 1e9 AS `Models`,
    sum(critical_tool_ns) / 1e9 AS `Tools`,
    sum(critical_other_ns) / 1e9 AS `Other steps`,
    sum(critical_waiting_ns) / 1e9 AS `Nothing told`
FROM
(
    SELECT time, critical_llm_ns, critical_tool_ns, critical_other_ns, critical_waiting_ns
    FROM run_parts
    WHERE {{run_scope}}
        AND {{in_range}}
        AND state = 'closed'
        AND isNotNull(critical_llm_ns)
)
GROUP BY time
ORDER BY time
