-- title: Runs by status
-- question: How many runs began, and what came of them: by their outcome, else without or with a failed step?
-- unit: short
SELECT
    $__timeInterval(began) AS time,
    countIf(status = 'succeeded') AS `Succeeded`,
    countIf(status = 'failed') AS `Failed`,
    countIf(status = 'running') AS `Running`
FROM
(
    {{whole_runs}}
        AND {{in_range}}
    GROUP BY run_id
)
GROUP BY time
ORDER BY time
