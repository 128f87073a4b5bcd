-- title: Silence of the pipeline
-- question: How long ago was anything stored last, against what may be?
-- unit: short
SELECT dateDiff('second', max(stored_time), $__toTime) / {no_data_s} AS times_allowed
FROM stored_minutes
WHERE namespace = {namespace}
    AND $__timeFilter(time)
HAVING count() > 0
