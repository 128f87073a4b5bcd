-- title: Cache savings
-- question: What would tokens read from the cache have cost beyond, at the price that the same call paid for new ones (calls without such a price left out)?
-- unit: currencyUSD
SELECT if(countIf(is_known) = 0, NULL, sum(saved)) AS saved
FROM
(
    {{cache_savings}}
        AND {{in_range}}
)
