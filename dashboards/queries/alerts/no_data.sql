-- title: Silence of the pipeline
-- question: How long ago was anything stored last, against what may be?
-- unit: short
SELECT dateDiff('second', max(time), $__toTime) / {no_data_s} AS times_allowed
FROM agent_arrivals
WHERE namespace = {namespace}
    AND {{in_range}}
HAVING count() > 0
