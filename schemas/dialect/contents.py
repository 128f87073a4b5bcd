"""Which span attribute is which content of an event, whole or in pieces, and which is a list?"""

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
