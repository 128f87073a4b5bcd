(
        SELECT step_name
        FROM window_parts
        WHERE {{scope}}
            AND {{models}}
            AND {{width}}
            AND {{leaves}}
            AND {{in_range}}
        GROUP BY step_name
        ORDER BY sum(duration_ns) DESC, step_name
        LIMIT 10
    )
