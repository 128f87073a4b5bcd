-- The view of 0009 again: there its times had the type of an aggregate, which clients do not read.
CREATE OR REPLACE VIEW agent_sightings AS
SELECT
    namespace,
    day,
    agent_name,
    fact,
    value,
    detail,
    CAST(min(s.first_time), 'DateTime64(9, \'UTC\')') AS first_time,
    CAST(max(s.last_time), 'DateTime64(9, \'UTC\')') AS last_time
FROM {db}.sightings AS s
GROUP BY namespace, day, agent_name, fact, value, detail;
