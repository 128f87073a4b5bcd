"""Which span attribute means which field of an event? The tables; `schemas.otlp` applies them.

Sources: OpenTelemetry GenAI semantic conventions (docs/gen-ai/gen-ai-spans.md, gen-ai-agent-spans.md) as of
v1.41 and the cache_write name that replaced cache_creation after it.
"""

from schemas.event import Kind

# field of the event -> attribute names, the first that is present and not empty wins
LABELS: dict[str, tuple[str, ...]] = {
    "operation_name": ("gen_ai.operation.name",),
    "provider_name": ("gen_ai.provider.name",),
    "request_model": ("gen_ai.request.model",),
    "response_model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "agent_name": ("gen_ai.agent.name",),
    "agent_id": ("gen_ai.agent.id",),
    "agent_version": ("gen_ai.agent.version",),
    "task": ("gen_ai.workflow.name",),
    "tool_name": ("gen_ai.tool.name",),
    "tool_call_id": ("gen_ai.tool.call.id",),
    "conversation_id": ("gen_ai.conversation.id",),
    "user_id": ("user.id",),
    "prompt_name": ("gen_ai.prompt.name",),
    "evaluation_name": ("gen_ai.evaluation.name",),
    "evaluation_score_label": ("gen_ai.evaluation.score.label",),
    "error_type": ("error.type",),
}
TOKENS: dict[str, tuple[str, ...]] = {
    "input_tokens": ("gen_ai.usage.input_tokens",),
    "output_tokens": ("gen_ai.usage.output_tokens",),
    "cache_read_input_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    "reasoning_output_tokens": ("gen_ai.usage.reasoning.output_tokens",),
}
NUMBERS: dict[str, tuple[str, ...]] = {
    "time_to_first_chunk_s": ("gen_ai.response.time_to_first_chunk",),
    "evaluation_score_value": ("gen_ai.evaluation.score.value",),
}
CONTENTS: dict[str, tuple[str, ...]] = {
    "system_instructions": ("gen_ai.system_instructions",),
    "input_messages": ("gen_ai.input.messages",),
    "output_messages": ("gen_ai.output.messages",),
    "tool_call_arguments": ("gen_ai.tool.call.arguments",),
    "tool_call_result": ("gen_ai.tool.call.result",),
}
FINISH_REASONS: tuple[str, ...] = ("gen_ai.response.finish_reasons",)
TOOL_DEFINITIONS: tuple[str, ...] = ("gen_ai.tool.definitions",)

RESOURCE_LABELS: dict[str, tuple[str, ...]] = {
    "service_name": ("service.name",),
    "environment": ("deployment.environment.name",),
}

KIND_OF_OPERATION: dict[str, Kind] = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "embeddings": "embedding",
    "retrieval": "retrieval",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "run",
}


def kind_of(operation: str | None, tool: str | None, model: str | None) -> Kind:
    """The kind of a span: its operation decides, else a tool's name, else a model's."""
    if operation and operation in KIND_OF_OPERATION:
        return KIND_OF_OPERATION[operation]
    if tool:
        return "tool"
    # An operation that we do not know may carry a model without calling it (plan, memory operations).
    return "llm" if model and not operation else "other"
