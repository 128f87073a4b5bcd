-- What dialects say beyond, and where each cent comes from. `usage_cost_usd` is what the usage costs, were it
-- billed: of roll-ups and duplicates too, whose `cost_usd` is NULL because other steps carry it. `price_status` is the status
-- that the usage has by its price alone.
ALTER TABLE {db}.steps
    MODIFY COLUMN cost_status Enum8('none' = 0, 'priced' = 1, 'partial' = 2, 'unpriced' = 3, 'rollup' = 4, 'free' = 5, 'reported' = 6, 'duplicate' = 7),
    ADD COLUMN IF NOT EXISTS span_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS agent_hint LowCardinality(String),
    ADD COLUMN IF NOT EXISTS cache_write_1h_input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS input_audio_tokens Nullable(Int64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS output_audio_tokens Nullable(Int64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS service_tier LowCardinality(String),
    ADD COLUMN IF NOT EXISTS response_cached Nullable(Bool),
    ADD COLUMN IF NOT EXISTS server_address LowCardinality(String),
    ADD COLUMN IF NOT EXISTS prompt_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS mcp_method_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS guardrail_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS guardrail_reason String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS evaluation_explanation String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS dialect LowCardinality(String),
    ADD COLUMN IF NOT EXISTS token_convention LowCardinality(String),
    ADD COLUMN IF NOT EXISTS sources Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cost_audio_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cost_requests_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS usage_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS reported_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS price_status Enum8('none' = 0, 'priced' = 1, 'partial' = 2, 'unpriced' = 3, 'rollup' = 4, 'free' = 5, 'reported' = 6, 'duplicate' = 7),
    ADD COLUMN IF NOT EXISTS cost_reason LowCardinality(String);

-- Again, because a view keeps the columns that its `*` had when it was made.
CREATE OR REPLACE VIEW agent_steps AS
SELECT
    * EXCEPT (row_version, is_deleted),
    if(response_model = '', request_model, response_model) AS model,
    duration_ns / 1e9 AS duration_s,
    error_type != '' AS failed
FROM {db}.steps FINAL;
