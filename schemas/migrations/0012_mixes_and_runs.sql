-- Incidents tell when they were confirmed, between which values the levels before and since lie, and of a mix whose
-- share moved.
ALTER TABLE {db}.incidents
    ADD COLUMN IF NOT EXISTS confirmed_time Nullable(DateTime64(9, 'UTC')) AFTER opened_time,
    ADD COLUMN IF NOT EXISTS category String AFTER direction,
    ADD COLUMN IF NOT EXISTS reference_low Nullable(Float64) AFTER reference_level,
    ADD COLUMN IF NOT EXISTS reference_high Nullable(Float64) AFTER reference_low,
    ADD COLUMN IF NOT EXISTS current_low Nullable(Float64) AFTER current_level,
    ADD COLUMN IF NOT EXISTS current_high Nullable(Float64) AFTER current_low;

-- A view keeps the columns that there were when it was made.
CREATE OR REPLACE VIEW agent_incidents AS
SELECT * EXCEPT (row_version, is_deleted, stored_time), opened_time AS time
FROM {db}.incidents FINAL;
