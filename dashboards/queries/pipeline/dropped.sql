-- title: Dropped by emitters
-- question: Which emitters say that they had to drop events, which never reached Kafka?
-- unit: short
SELECT
    if(service_name = '', '(unnamed)', service_name) AS service,
    CAST(agent_name, 'String') AS agent,
    sum(ifNull(dropped_events, 0)) AS dropped,
    count() AS reports,
    max(time) AS last_time
FROM rare_steps
WHERE {{scope}}
    AND {{in_range}}
    AND kind = 'report'
GROUP BY service, agent
ORDER BY dropped DESC, service, agent
LIMIT 50
