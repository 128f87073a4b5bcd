-- title: Pipeline lag
-- question: How long do 95 % of the steps that were stored in the range take from their append at the source to ClickHouse?
-- unit: s
SELECT quantileExactWeighted(0.95)(upper_s, rows) AS lag_s
FROM agent_arrivals
WHERE namespace = {namespace}
    AND measure = 'pipeline_delay'
    AND {{in_range}}
HAVING count() > 0
