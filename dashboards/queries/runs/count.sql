-- title: Runs
-- question: How many runs match the choices above, and how many began in as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS runs
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(began < $__fromTime)),
        ($__toTime, countIf(began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR runs > 0
ORDER BY time
