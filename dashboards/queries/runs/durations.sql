-- title: Durations of runs
-- question: How many of the closed runs that match take how long?
-- unit: s
SELECT
    exp2(bucket / 2) AS xMin,
    exp2((bucket + 1) / 2) AS xMax,
    countIf(succeeded) AS `Succeeded`,
    countIf(NOT succeeded) AS `Failed`
FROM
(
    SELECT toInt32(floor(2 * log2(greatest(seconds, 0.001)))) AS bucket, succeeded
    FROM
    (
        {{matching_runs}}
            AND {{in_range}}
        GROUP BY run_id
        HAVING last_state = 'closed' AND {{run_limits}}
    )
)
GROUP BY bucket
ORDER BY bucket
LIMIT 100
