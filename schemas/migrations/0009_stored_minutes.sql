-- When was which minute of traffic stored? For whoever watches the pipeline itself: every row that WRITE has stored,
-- repeats of a window included. A filter on namespace and `time` reaches the key.
CREATE OR REPLACE VIEW stored_minutes AS
SELECT namespace, window_start AS time, stored_time
FROM {db}.windows
WHERE width_s = 60;
