-- title: What is paid for
-- question: Which part of a call costs how much: new input, cached input, writing the cache, output, audio, fees, or what emitters told where no price is known?
-- unit: currencyUSD
SELECT
    share.1 AS part,
    share.2 AS spend
FROM
(
    SELECT arrayJoin([
        ('New input', toFloat64(sum(cost_input_usd))),
        ('Cached input', toFloat64(sum(cost_cache_read_usd))),
        ('Written to the cache', toFloat64(sum(cost_cache_write_usd))),
        ('Output', toFloat64(sum(cost_output_usd))),
        ('Audio', toFloat64(sum(cost_audio_usd))),
        ('Fees', toFloat64(sum(cost_requests_usd))),
        ('Told by emitters', toFloat64(sumIf(cost_usd, cost_status = 'reported')))
    ]) AS share
    FROM agent_steps
    WHERE {{scope}}
        AND {{models}}
        AND {{in_range}}
        AND cost_status IN ('priced', 'partial', 'reported')
)
WHERE spend > 0
ORDER BY spend DESC
LIMIT 10
