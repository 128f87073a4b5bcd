SELECT
        time,
        agent_name,
        model,
        ifNull(cache_read_input_tokens, 0) AS read_tokens,
        ifNull(input_tokens, 0) - read_tokens - ifNull(cache_write_input_tokens, 0) - ifNull(input_audio_tokens, 0) AS uncached,
        uncached > 0 AND ifNull(cost_input_usd > 0, false) AS is_known,
        if(is_known, toFloat64(cost_input_usd) / uncached * read_tokens - ifNull(toFloat64(cost_cache_read_usd), 0), 0) AS saved
    FROM agent_steps
    WHERE {{scope}}
        AND {{models}}
        AND cost_status IN ('priced', 'partial', 'unpriced', 'reported', 'free')
        AND input_tokens > 0
