-- title: Unpriced
-- question: Which share of calls of models has usage and no price, so that costs are too low?
-- unit: percentunit
SELECT sum(unpriced_steps) / nullIf(sumIf(steps, kind IN ('llm', 'embedding')), 0) AS unpriced
FROM window_parts
WHERE {{scope}}
    AND {{width}}
    AND {{in_range}}
