-- title: Tools
-- question: How often is each tool called, how often again with the same arguments in one run, how long does it take, how often does it fail and mostly by what (whatever the model)?
-- unit: short
SELECT
    tool,
    sum(called) AS calls,
    sum(again) AS repeated,
    quantileExactArray(0.5)(seconds) AS p50,
    quantileExactArray(0.95)(seconds) AS p95,
    sum(failed) / calls AS errors,
    arrayStringConcat(arrayMap(one -> one.1, arraySlice(arrayReverseSort(one -> one.2, CAST(sumMap(sorts), 'Array(Tuple(String, UInt64))')), 1, 3)), ', ') AS mostly
FROM
(
    SELECT
        if(tool_name = '', step_name, tool_name) AS tool,
        run_id,
        count() AS called,
        countIf(isNotNull(tool_call_hash)) - uniqExact(tool_call_hash) AS again,
        countIf(error_type != '') AS failed,
        groupArrayIf(assumeNotNull(duration_s), isNotNull(duration_ns)) AS seconds,
        sumMapIf(map(CAST(error_type, 'String'), toUInt64(1)), error_type != '') AS sorts
    FROM agent_steps
    WHERE {{scope}}
        AND {{in_range}}
        AND kind = 'tool'
    GROUP BY tool, run_id
)
GROUP BY tool
ORDER BY calls DESC, tool
LIMIT 100
