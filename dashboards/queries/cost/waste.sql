-- title: Wasted
-- question: Which share of what runs cost bought nothing: runs that failed by their outcome, else loops, else calls that failed (all models of a run)?
-- unit: percentunit
SELECT sum(failed_runs + loops + failed_calls) / nullIf(sum(spend), 0) AS wasted
FROM
(
    {{waste}}
)
