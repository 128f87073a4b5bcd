-- title: Open incidents
-- question: How many changes and loops were open at the end of the range, confirmed or not (of all environments)?
-- unit: short
SELECT count() AS incidents
FROM agent_incidents
WHERE {{agents}}
    AND time < $__toTime
    AND (closed_time IS NULL OR closed_time > $__toTime)
