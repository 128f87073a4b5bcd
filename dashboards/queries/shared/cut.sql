(
        SELECT greatest(max(opened_time), toDateTime64($__fromTime, 9, 'UTC'))
        FROM agent_incidents
        WHERE {{agents}}
            AND {{stream}}
            AND {{by_detectors}}
            AND state != 'closed'
            AND time < $__toTime
    )
