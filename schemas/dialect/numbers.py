"""Which span attribute is which number or flag of an event, and which keys of JSON are?"""

# -- whole numbers of tokens
TOKENS: dict[str, tuple[str, ...]] = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.usage.prompt_tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "gen_ai.usage.streaming_tokens",
        "llm.usage.completion_tokens",
    ),
    "cache_read_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.input_cached_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.input_tokens.cached",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "cache_write_1h_input_tokens": ("gen_ai.usage.cache_creation.input_tokens.ephemeral_1h",),
    "cache_write_5m_input_tokens": ("gen_ai.usage.cache_creation.input_tokens.ephemeral_5m",),
    "reasoning_output_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens",
        "llm.usage.reasoning_tokens",
    ),
    "input_audio_tokens": (
        "gen_ai.usage.audio.input_tokens",
        "llm.token_count.prompt_details.audio",
        "gen_ai.usage.audio_input_tokens",
    ),
    "output_audio_tokens": (
        "gen_ai.usage.audio.output_tokens",
        "llm.token_count.completion_details.audio",
        "gen_ai.usage.audio_output_tokens",
        "gen_ai.usage.completion_tokens_details.audio_tokens",
    ),
    # Tells whether what was cached is within the input; stored nowhere.
    "total_tokens": (
        "gen_ai.usage.total_tokens",
        "llm.token_count.total",
        "ai.usage.totalTokens",
        "llm.usage.total_tokens",
    ),
}

# -- other numbers, in the unit of the field unless `SCALES` says otherwise
NUMBERS: dict[str, tuple[str, ...]] = {
    "time_to_first_chunk_s": (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.streaming.time_to_first_token",
        "ai.response.msToFirstChunk",
        "ai.stream.msToFirstChunk",
    ),
    "reported_cost_usd": (
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost",
        "gen_ai.usage.total_cost",
        "llm.cost.total",
        "operation.cost",
        "litellm.response-cost",
        "_signoz.gen_ai.total_cost",
    ),
    "evaluation_score_value": ("gen_ai.evaluation.score.value", "evaluations.0.evaluation.score"),
}
SCALES: dict[str, float] = {"ai.response.msToFirstChunk": 1e-3, "ai.stream.msToFirstChunk": 1e-3}

FLAGS: dict[str, tuple[str, ...]] = {
    "response_cached": ("gen_ai.response.cached", "litellm.cache_hit", "gen_ai.response.cache_hit"),
}

# -- keys inside of JSON that some emitters put into one attribute, at any depth of it
JSON_USAGE: tuple[str, ...] = (
    "ai.response.providerMetadata",
    "langfuse.observation.usage_details",
    "gcp.vertex.agent.llm_response",
    "llm.invocation_parameters",
)
JSON_KEYS: dict[str, str] = {
    "input": "input_tokens",
    "prompt_tokens": "input_tokens",
    "input_tokens": "input_tokens",
    "promptTokens": "input_tokens",
    "prompt_token_count": "input_tokens",
    "output": "output_tokens",
    "completion_tokens": "output_tokens",
    "output_tokens": "output_tokens",
    "completionTokens": "output_tokens",
    "candidates_token_count": "output_tokens",
    "total": "total_tokens",
    "total_token_count": "total_tokens",
    "total_tokens": "total_tokens",
    "input_cached_tokens": "cache_read_input_tokens",
    "input_cache_read": "cache_read_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cachedPromptTokens": "cache_read_input_tokens",
    "cached_tokens": "cache_read_input_tokens",
    "cachedContentTokenCount": "cache_read_input_tokens",
    "cached_content_token_count": "cache_read_input_tokens",
    "input_cache_creation": "cache_write_input_tokens",
    "cache_creation_input_tokens": "cache_write_input_tokens",
    "cacheCreationInputTokens": "cache_write_input_tokens",
    "cacheWriteInputTokens": "cache_write_input_tokens",
    "ephemeral_1h_input_tokens": "cache_write_1h_input_tokens",
    "input_cache_creation_1h": "cache_write_1h_input_tokens",
    "ephemeral_5m_input_tokens": "cache_write_5m_input_tokens",
    "input_cache_creation_5m": "cache_write_5m_input_tokens",
    "output_reasoning_tokens": "reasoning_output_tokens",
    "reasoning_tokens": "reasoning_output_tokens",
    "reasoningTokens": "reasoning_output_tokens",
    "thoughtsTokenCount": "reasoning_output_tokens",
    "thoughts_token_count": "reasoning_output_tokens",
    "service_tier": "service_tier",
    "serviceTier": "service_tier",
}
