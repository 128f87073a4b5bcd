-- title: Alarms to confirm
-- question: How many alarms were open at the end of the range, neither confirmed nor withdrawn (all environments)?
-- unit: short
SELECT count() AS alarms
FROM agent_incidents
WHERE {{agents}}
    AND {{by_detectors}}
    AND state = 'open'
    AND time < $__toTime
