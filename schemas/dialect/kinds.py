"""Which kind of step is a span, by what it says of itself or by its name?"""

from schemas.event import Kind

# -- read for what they decide, and kept among the attributes
HINTS: tuple[str, ...] = (
    "langfuse.observation.type",
    "openinference.span.kind",
    "traceloop.span.kind",
    "traceloop.entity.name",
    "lmnr.span.type",
    "agentops.span.kind",
    "mlflow.spanType",
    "genkit:type",
    "langfuse.observation.level",
    "langfuse.observation.status_message",
    "langfuse.observation.completion_start_time",
    "gen_ai.usage.input_cost",
    "gen_ai.usage.output_cost",
    "gen_ai.request.batch",
    # of the Vercel AI SDK where it begins with `ai.`; of anybody else
    "operation.name",
)

# -- kinds, by the first attribute that says one; in upper case
_OPENINFERENCE: dict[str, Kind] = {
    "LLM": "llm",
    "CHAIN": "other",
    "AGENT": "agent",
    "TOOL": "tool",
    "RETRIEVER": "retrieval",
    "RERANKER": "retrieval",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "feedback",
    "PROMPT": "other",
}
KIND_OF_OPERATION: dict[str, Kind] = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "completion": "llm",
    "llm_request": "llm",
    "realtime": "llm",
    "embeddings": "embedding",
    "embedding": "embedding",
    "retrieval": "retrieval",
    "rerank": "retrieval",
    "vector_db_retrieve": "retrieval",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "run",
    "run_guardrail": "guardrail",
    "apply_guardrail": "guardrail",
    "handoff": "handoff",
    # of Genkit
    "model": "llm",
    "embedder": "embedding",
    "retriever": "retrieval",
    "tool": "tool",
    "flow": "run",
    "agent": "agent",
    # of the Vercel AI SDK; the spans around these repeat their usage
    "ai.generateText.doGenerate": "llm",
    "ai.streamText.doStream": "llm",
    "ai.generateObject.doGenerate": "llm",
    "ai.streamObject.doStream": "llm",
    "ai.embed.doEmbed": "embedding",
    "ai.embedMany.doEmbed": "embedding",
    "ai.toolCall": "tool",
    "ai.generateText": "other",
    "ai.streamText": "other",
    "ai.generateObject": "other",
    "ai.streamObject": "other",
    "ai.embed": "other",
    "ai.embedMany": "other",
}
KINDS: tuple[tuple[str, dict[str, Kind]], ...] = (
    (
        "langfuse.observation.type",
        {
            "GENERATION": "llm",
            "SPAN": "other",
            "EVENT": "other",
            "AGENT": "agent",
            "TOOL": "tool",
            "CHAIN": "other",
            "RETRIEVER": "retrieval",
            "EMBEDDING": "embedding",
            "EVALUATOR": "feedback",
            "GUARDRAIL": "guardrail",
        },
    ),
    ("openinference.span.kind", _OPENINFERENCE),
    ("operation_name", {name.upper(): kind for name, kind in KIND_OF_OPERATION.items()}),
    ("lmnr.span.type", {"LLM": "llm", "TOOL": "tool", "EVALUATOR": "feedback", "EXECUTOR": "other"}),
    (
        "agentops.span.kind",
        {
            "LLM": "llm",
            "TOOL": "tool",
            "AGENT": "agent",
            "SESSION": "run",
            "WORKFLOW": "run",
            "GUARDRAIL": "guardrail",
            "OPERATION": "other",
            "TASK": "other",
            "CHAIN": "other",
        },
    ),
    ("mlflow.spanType", {"CHAT_MODEL": "llm", "PARSER": "other", **_OPENINFERENCE}),
)
# What OpenLLMetry's own spans are, unless they tell of a tool or a model.
KIND_OF_TRACELOOP: dict[str, Kind] = {"WORKFLOW": "run", "TASK": "other", "AGENT": "agent", "TOOL": "tool"}

# -- names inside of a span's name: pattern, field, and the kind where nothing else tells one
SPAN_NAMES: tuple[tuple[str, str, Kind], ...] = (
    (r"invoke_agent (.+)", "agent_hint", "agent"),
    (r"create_agent (.+)", "agent_hint", "agent"),
    (r"agent_run \[(.+)\]", "agent_hint", "agent"),
    (r"(.+) run", "agent_hint", "other"),
    (r"(.+)\.agent", "agent_hint", "agent"),
    (r"execute_tool (.+)", "tool_name", "tool"),
    (r"running tool: (.+)", "tool_name", "tool"),
    (r"handoff to (.+)", "handoff_to_agent", "handoff"),
)
