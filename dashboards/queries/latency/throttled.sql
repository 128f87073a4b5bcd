-- title: Refused calls
-- question: How many calls of models failed because of a rate limit or an overloaded or failing provider, by the error that was told?
-- unit: short
SELECT count() AS refused
FROM agent_steps
WHERE {{scope}}
    AND {{models}}
    AND {{in_range}}
    AND kind IN ('llm', 'embedding')
    AND {{sort_of_error}} IN ('rate limit', 'provider')
