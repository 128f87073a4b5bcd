-- When did runs of the namespace begin, first and last? Of all versions of all rows: none can widen this beyond what
-- was once so, and it need not be exact, so FINAL is spared. An end of long after its arrival is
-- a wrong clock's.
SELECT
    count() AS runs,
    min(opened_time) AS first,
    max(least(greatest(opened_time, ifNull(end_time, opened_time)), append_time + INTERVAL 1 DAY)) AS last
FROM runs
WHERE namespace = {namespace:String}
