-- What the steps of a run say together: its shape, its critical path, each agent's share. Rows of writers that do
-- not know these columns have no path (NULL) and empty maps.
ALTER TABLE {db}.runs
    ADD COLUMN IF NOT EXISTS depth Int64,
    ADD COLUMN IF NOT EXISTS roots Int64,
    ADD COLUMN IF NOT EXISTS orphans Int64,
    ADD COLUMN IF NOT EXISTS parent_cycles Int64,
    ADD COLUMN IF NOT EXISTS steps_outside_parent Int64,
    ADD COLUMN IF NOT EXISTS unended_steps Int64,
    ADD COLUMN IF NOT EXISTS truncated Bool,
    ADD COLUMN IF NOT EXISTS path_truncated Bool,
    ADD COLUMN IF NOT EXISTS critical_llm_ns Nullable(Int64),
    ADD COLUMN IF NOT EXISTS critical_tool_ns Nullable(Int64),
    ADD COLUMN IF NOT EXISTS critical_other_ns Nullable(Int64),
    ADD COLUMN IF NOT EXISTS critical_waiting_ns Nullable(Int64),
    ADD COLUMN IF NOT EXISTS critical_steps Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS steps_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS llm_calls_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS tool_calls_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS input_tokens_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS output_tokens_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS cost_by_agent_usd Map(LowCardinality(String), Decimal(38, 12)),
    ADD COLUMN IF NOT EXISTS self_ns_by_agent Map(LowCardinality(String), Int64),
    ADD COLUMN IF NOT EXISTS agents_started Map(LowCardinality(String), Int64);

-- Again, because a view keeps the columns that its `*` had when it was made.
CREATE OR REPLACE VIEW run_parts AS
SELECT
    * EXCEPT (row_version, is_deleted),
    opened_time AS time,
    (toUnixTimestamp64Nano(assumeNotNull(end_time)) - toUnixTimestamp64Nano(start_time)) / 1e9 AS duration_s
FROM {db}.runs FINAL;

-- One row a run, its parts added up. Parts follow each other in time, so paths add up too; `depth` is the deepest
-- part's. A parent in another part counts as unseen: `orphans` is an upper bound for a run of several parts.
-- `time` is known only after adding, so a filter on it reads the namespace (0.8 s for a million runs); one on run_id
-- does not.
CREATE OR REPLACE VIEW agent_runs AS
SELECT
    r.namespace AS namespace,
    r.run_id AS run_id,
    min(r.opened_time) AS time,
    argMax(r.state, r.part) AS state,
    min(r.start_time) AS start_time,
    max(r.end_time) AS end_time,
    dateDiff('microsecond', min(r.start_time), max(r.end_time)) / 1e6 AS duration_s,
    argMin(r.root_event_id, r.part) AS root_event_id,
    argMin(r.agent_name, r.part) AS agent_name,
    argMin(r.agent_version, r.part) AS agent_version,
    argMin(r.environment, r.part) AS environment,
    argMin(r.team, r.part) AS team,
    argMin(r.task, r.part) AS task,
    argMin(r.conversation_id, r.part) AS conversation_id,
    argMin(r.user_id, r.part) AS user_id,
    argMin(r.business_key, r.part) AS business_key,
    arraySort(groupUniqArrayArray(r.agents)) AS agents,
    sum(r.steps) AS steps,
    sum(r.llm_calls) AS llm_calls,
    sum(r.tool_calls) AS tool_calls,
    sum(r.errors) AS errors,
    sum(r.duplicates) AS duplicates,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cache_read_input_tokens) AS cache_read_input_tokens,
    sum(r.cache_write_input_tokens) AS cache_write_input_tokens,
    sum(r.reasoning_output_tokens) AS reasoning_output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.unpriced_steps) AS unpriced_steps,
    max(r.repeated_tool_calls) AS repeated_tool_calls,
    argMaxIf(r.outcome_name, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_name,
    argMaxIf(r.outcome_success, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_success,
    argMaxIf(r.outcome_value, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_value,
    max(r.depth) AS depth,
    sum(r.roots) AS roots,
    sum(r.orphans) AS orphans,
    sum(r.parent_cycles) AS parent_cycles,
    sum(r.steps_outside_parent) AS steps_outside_parent,
    sum(r.unended_steps) AS unended_steps,
    max(r.truncated) AS truncated,
    max(r.path_truncated) AS path_truncated,
    sum(r.critical_llm_ns) / 1e9 AS critical_llm_s,
    sum(r.critical_tool_ns) / 1e9 AS critical_tool_s,
    sum(r.critical_other_ns) / 1e9 AS critical_other_s,
    sum(r.critical_waiting_ns) / 1e9 AS critical_waiting_s,
    sumMap(r.critical_steps) AS critical_steps,
    sumMap(r.steps_by_agent) AS steps_by_agent,
    sumMap(r.llm_calls_by_agent) AS llm_calls_by_agent,
    sumMap(r.tool_calls_by_agent) AS tool_calls_by_agent,
    sumMap(r.input_tokens_by_agent) AS input_tokens_by_agent,
    sumMap(r.output_tokens_by_agent) AS output_tokens_by_agent,
    sumMap(r.cost_by_agent_usd) AS cost_by_agent_usd,
    sumMap(r.self_ns_by_agent) AS self_ns_by_agent,
    sumMap(r.agents_started) AS agents_started
FROM {db}.runs AS r FINAL
GROUP BY namespace, run_id;
