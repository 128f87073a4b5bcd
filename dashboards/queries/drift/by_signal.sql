-- title: Alarms by signal
-- question: Which signals raise alarms, and how many of these are withdrawn (all environments)?
-- unit: short
SELECT
    CAST(signal, 'String') AS signal,
    countIf(state = 'confirmed') AS confirmed,
    countIf(state = 'open') AS open,
    countIf(state = 'closed') AS withdrawn
FROM agent_incidents
WHERE {{agents}}
    AND {{by_detectors}}
    AND {{in_range}}
GROUP BY signal
ORDER BY count() DESC, signal
LIMIT 20
