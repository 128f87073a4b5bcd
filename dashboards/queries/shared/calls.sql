SELECT
        caller,
        callee,
        sum(called) AS calls,
        sum(failures) AS failed,
        toFloat64(sum(spent)) AS cost
    FROM
    (
        SELECT
            concat('agent:', agent_name) AS caller,
            if(kind = 'tool', concat('tool:', step_name), concat('model:', model)) AS callee,
            steps AS called,
            errors AS failures,
            cost_usd AS spent
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{in_range}}
            AND (kind = 'tool' OR (kind IN ('llm', 'embedding') AND model != ''))
        UNION ALL
        SELECT
            concat('agent:', splitByString(' -> ', started.1)[1]) AS caller,
            concat('agent:', splitByString(' -> ', started.1)[2]) AS callee,
            started.2 AS called,
            0 AS failures,
            0 AS spent
        FROM run_parts
        ARRAY JOIN CAST(agents_started, 'Array(Tuple(String, Int64))') AS started
        WHERE {{run_scope}}
            AND {{in_range}}
    )
    GROUP BY caller, callee
    HAVING calls > 0
    ORDER BY calls DESC, caller, callee
    LIMIT 100
