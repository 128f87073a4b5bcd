"""Which span attribute means which field of an event? Tables only; `schemas.span` applies them.

To teach a name: add it to the line of its field, at the place of its precedence, and a golden example (see
docs/dialects.md). On each line the current name of OpenTelemetry comes first, then names that are still
emitted, then those of other conventions; the first usable value wins.

Sources of the facts: OpenTelemetry GenAI semantic conventions up to v1.41 and the cache_write name that came
after; OpenInference's, OpenLLMetry's, Langfuse's, Laminar's, AgentOps', OpenLIT's and Phoenix' published
conventions and code; the documentation of the Vercel AI SDK, Logfire, ADK, MLflow, Genkit and LiveKit.
"""

from schemas.event import Kind

# -- text, cut where too long
LABELS: dict[str, tuple[str, ...]] = {
    "operation_name": (
        "gen_ai.operation.name",
        "ai.operationId",
        "llm.request.type",
        "gen_ai.operation.type",
        "gen_ai.request.type",
        "genkit:metadata:subtype",
    ),
    "provider_name": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "aisdk.model.provider",
        "ai.model.provider",
        "gen_ai.request.provider",
        "lmnr.association.properties.ls_provider",
        "traceloop.association.properties.ls_provider",
    ),
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "langfuse.observation.model.name",
        "ai.model.id",
        "aisdk.model.id",
        "lmnr.association.properties.ls_model_name",
        "traceloop.association.properties.ls_model_name",
        "model_name",
    ),
    "response_model": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "ai.response.model",
        "llm.response.model",
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "agent_name": (
        "gen_ai.agent.name",
        "agent.name",
        "agent_name",
        "gen_ai.agent.slug",
        "ai.telemetry.functionId",
    ),
    "agent_id": ("gen_ai.agent.id", "agent.id"),
    "agent_version": (
        "gen_ai.agent.version",
        "traceloop.entity.version",
        "openlit.agent.version_hash",
        "langfuse.version",
        "langfuse.release",
    ),
    "agent_hint": (
        "graph.node.name",
        "graph.node.id",
        "metadata.langgraph_node",
        "langfuse.observation.metadata.langgraph_node",
        "traceloop.association.properties.langgraph_node",
        "lmnr.association.properties.langgraph_node",
        "langgraph.command.source_node",
        "from_agent",
    ),
    "task": ("gen_ai.workflow.name", "traceloop.workflow.name", "gen_ai.task.name"),
    "team": ("team",),
    "environment": ("langfuse.environment", "gen_ai.environment"),
    "tool_name": (
        "gen_ai.tool.name",
        "tool.name",
        "ai.toolCall.name",
        "mcp.tool.name",
        "gen_ai.agent.action.tool",
    ),
    "tool_call_id": (
        "gen_ai.tool.call.id",
        "tool_call.id",
        "message.tool_call_id",
        "ai.toolCall.id",
        "tool.id",
    ),
    "mcp_method_name": ("mcp.method.name", "mcp.method"),
    "conversation_id": (
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "gen_ai.session.id",
        "gen_ai.agent.session_id",
        "traceloop.association.properties.session_id",
        "lmnr.association.properties.session_id",
        "workflow.session_id",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.session_id",
    ),
    "user_id": (
        "user.id",
        "enduser.id",
        "langfuse.user.id",
        "gen_ai.user.id",
        "gen_ai.user",
        "gen_ai.request.user",
        "llm.user",
        "traceloop.association.properties.user_id",
        "lmnr.association.properties.user_id",
        "ai.telemetry.metadata.userId",
        "ai.telemetry.metadata.user_id",
        "workflow.user_id",
        "traceloop.association.properties.customer_id",
    ),
    "service_tier": (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "gen_ai.response.service_tier",
        "anthropic.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "gen_ai.request.service_tier",
        "anthropic.request.service_tier",
    ),
    "server_address": ("server.address", "net.peer.name", "gen_ai.openai.api_base"),
    "prompt_name": (
        "gen_ai.prompt.name",
        "langfuse.observation.prompt.name",
        "traceloop.prompt.key",
        "prompt.id",
    ),
    "prompt_version": (
        "gen_ai.prompt.version",
        "langfuse.observation.prompt.version",
        "traceloop.prompt.version",
        "llm.prompt_template.version",
        "traceloop.prompt.version_name",
    ),
    "prompt_fingerprint": ("traceloop.prompt.version_hash", "lmnr.span.prompt_hash"),
    "guardrail_name": (
        "gen_ai.guardrail.name",
        "guard.name",
        "gen_ai.guardrail.id",
        "aws.bedrock.guardrail.id",
    ),
    "guardrail_verdict": ("gen_ai.guardrail.verdict.type", "guard.verdict", "guard.action"),
    "guardrail_reason": (
        "gen_ai.guardrail.verdict.reason",
        "guard.explanation",
        "gen_ai.guardrail.error.message",
    ),
    "handoff_to_agent": ("to_agent", "gen_ai.handoff.to_agent", "langgraph.command.goto_node"),
    "evaluation_name": ("gen_ai.evaluation.name", "evaluations.0.evaluation.name"),
    "evaluation_score_label": ("gen_ai.evaluation.score.label", "evaluations.0.evaluation.label"),
    "evaluation_explanation": (
        "gen_ai.evaluation.explanation",
        "evaluations.0.evaluation.explanation",
    ),
    "error_type": (
        "error.type",
        "gen_ai.execution.error",
        "gen_ai.tool.error",
        "gen_ai.guardrail.error.type",
    ),
}

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

# -- any JSON, also in a string. `input` and `output` are what any kind of span may have.
CONTENTS: dict[str, tuple[str, ...]] = {
    "system_instructions": ("gen_ai.system_instructions",),
    "input_messages": (
        "gen_ai.input.messages",
        "gen_ai.prompt",
        "ai.prompt.messages",
        "ai.prompt",
        "llm.openai.messages",
        "llm.anthropic.messages",
    ),
    "output_messages": (
        "gen_ai.output.messages",
        "gen_ai.completion",
        "ai.response.text",
        "ai.response.object",
        "ai.response.toolCalls",
        "ai.result.text",
        "ai.result.object",
        "ai.result.toolCalls",
        "lk.response.text",
        "llm.openai.choices",
        "llm.anthropic.content",
    ),
    "reasoning": ("gen_ai.reasoning", "ai.response.reasoning", "ai.response.reasoningText"),
    "tool_call_arguments": (
        "gen_ai.tool.call.arguments",
        "tool.parameters",
        "ai.toolCall.args",
        "gen_ai.tool.args",
        "gen_ai.tool.input",
        "gen_ai.tool.parameters",
        "gcp.vertex.agent.tool_call_args",
        "mcp.request.argument",
        "mcp.params",
    ),
    "tool_call_result": (
        "gen_ai.tool.call.result",
        "ai.toolCall.result",
        "gen_ai.tool.result",
        "gen_ai.tool.output",
        "gcp.vertex.agent.tool_response",
        "lk.function_tool.output",
        "mcp.response.value",
        "mcp.result",
    ),
    "input": (
        "gen_ai.retrieval.query.text",
        "input.value",
        "reranker.query",
        "traceloop.entity.input",
        "langfuse.observation.input",
        "lmnr.span.input",
        "gcp.vertex.agent.llm_request",
        "mlflow.spanInputs",
        "genkit:input",
        "agentops.entity.input",
        "gen_ai.task.input",
        "lk.chat_ctx",
        "lk.user_input",
        "lk.input_text",
        "input",
    ),
    "output": (
        "gen_ai.retrieval.documents",
        "output.value",
        "traceloop.entity.output",
        "langfuse.observation.output",
        "lmnr.span.output",
        "gcp.vertex.agent.llm_response",
        "mlflow.spanOutputs",
        "genkit:output",
        "agentops.entity.output",
        "gen_ai.task.output",
        "output",
    ),
}

# -- lists that arrive with a place in the name, `llm.input_messages.0.message.role`; they count where no name
# of `CONTENTS` is there. A part of the path that only says what the list holds is left out.
FLATTENED: dict[str, str] = {
    "llm.input_messages": "input_messages",
    "llm.prompts": "input_messages",
    "gen_ai.prompt": "input_messages",
    "llm.output_messages": "output_messages",
    "llm.choices": "output_messages",
    "gen_ai.completion": "output_messages",
    "llm.tools": "tool_definitions",
    "llm.request.functions": "tool_definitions",
    "gen_ai.request.functions": "tool_definitions",
    "gen_ai.tool.definitions": "tool_definitions",
    "retrieval.documents": "output",
    "reranker.output_documents": "output",
    "reranker.input_documents": "input",
}
WRAPPERS = frozenset({"message", "message_content", "tool_call", "document", "prompt", "completion", "tool"})

LISTS: dict[str, tuple[str, ...]] = {
    "finish_reasons": (
        "gen_ai.response.finish_reasons",
        "llm.finish_reason",
        "gen_ai.response.finish_reason",
        "gen_ai.response.stop_reason",
        "ai.response.finishReason",
        "gen_ai.finishReason",
        "llm.response.finish_reason",
        "gen_ai.completion.0.finish_reason",
    ),
}
FINGERPRINTED: dict[str, tuple[str, ...]] = {
    "tool_definitions": ("gen_ai.tool.definitions", "ai.prompt.tools"),
}

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

RESOURCE_LABELS: dict[str, tuple[str, ...]] = {
    "service_name": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "team": ("team", "service.team", "service.namespace"),
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

# -- values
PROVIDERS: dict[str, str] = {
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "google": "gcp.gen_ai",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "watsonx": "ibm.watsonx.ai",
    "moonshot": "moonshot_ai",
}
CANONICAL = frozenset(
    {
        "openai",
        "gcp.gen_ai",
        "gcp.vertex_ai",
        "gcp.gemini",
        "anthropic",
        "cohere",
        "azure.ai.inference",
        "azure.ai.openai",
        "ibm.watsonx.ai",
        "aws.bedrock",
        "perplexity",
        "x_ai",
        "deepseek",
        "groq",
        "mistral_ai",
        "moonshot_ai",
    }
)
# They call providers and bill nobody: the model says who does.
FRAMEWORKS = frozenset(
    {
        "langchain",
        "crewai",
        "llamaindex",
        "llama_index",
        "microsoft.agent_framework",
        "gcp.vertex.agent",
        "agno",
    }
)
VERDICTS: dict[str, str] = {
    "pass": "allow",
    "passed": "allow",
    "allowed": "allow",
    "block": "deny",
    "blocked": "deny",
    "fail": "deny",
    "failed": "deny",
    "denied": "deny",
    "redact": "modify",
    "mask": "modify",
    "modified": "modify",
    "warning": "warn",
    "flag": "warn",
}
FINISH_REASONS: dict[str, str] = {
    # the names themselves, which Gemini writes in capitals
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_call": "tool_call",
    "error": "error",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_call",
    "tool_calls": "tool_call",
    "tool-calls": "tool_call",
    "function_call": "tool_call",
    "safety": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
    "content-filter": "content_filter",
}

# -- emitters that count what was cached apart from the input though their numbers do not show it:
# (scope, first version that no longer does; "" while all do)
EXCLUSIVE: tuple[tuple[str, str], ...] = (("openinference.instrumentation.claude_agent_sdk", "0.1.13"),)
