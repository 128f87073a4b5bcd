-- title: Alarms to confirm
-- question: How many alarms were open at the end of the range, neither confirmed nor withdrawn (all environments)?
-- unit: short
SELECT count() AS alarms
FROM agent_incidents
WHERE {{agents}}
    AND {{by_detectors}}
    AND time < $__toTime
    AND (confirmed_time IS NULL OR confirmed_time > $__toTime)
    AND (closed_time IS NULL OR closed_time > $__toTime)
