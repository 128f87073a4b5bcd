"""Whose convention is it, and what does an emitter do otherwise than its names say?"""

# -- which convention the names belong to: of those that were met the first
DIALECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "openinference",
        ("openinference.", "llm.token_count.", "llm.input_messages", "llm.output_messages", "llm.model_name"),
    ),
    ("openlit", ("openlit.", "guard.", "gen_ai.usage.cost", "gen_ai.request.provider")),
    ("google-adk", ("gcp.vertex.agent.",)),
    ("langfuse", ("langfuse.",)),
    ("laminar", ("lmnr.",)),
    ("agentops", ("agentops.", "workflow.session_id", "workflow.user_id")),
    ("mlflow", ("mlflow.",)),
    ("genkit", ("genkit:",)),
    ("livekit", ("lk.",)),
    ("vercel", ("ai.", "aisdk.")),
    ("openllmetry", ("traceloop.", "llm.", "gen_ai.prompt.", "gen_ai.completion.")),
    ("pydantic-ai", ("agent_name", "model_name", "logfire.", "operation.cost")),
    (
        "otel-deprecated",
        (
            "gen_ai.system",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.prompt",
            "gen_ai.completion",
            "gen_ai.openai.",
        ),
    ),
    ("otel", ("gen_ai.", "mcp.")),
)
# Current names that begin like older ones.
CURRENT: frozenset[str] = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version"})

# -- emitters that count what was cached apart from the input though their numbers do not show it:
# (scope, first version that no longer does; "" while all do)
EXCLUSIVE: tuple[tuple[str, str], ...] = (("openinference.instrumentation.claude_agent_sdk", "0.1.13"),)
