"""Calls a provider under one instrumentation, in a process of its own: two would wrap the same client.

``python -m tests.instrumentations.drive NAME URL FILE``: three calls, one of them a stream; the spans as an
OTLP export in protobuf.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

INSTRUMENTORS = {
    "otel-openai": "opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor",
    "openinference-openai": "openinference.instrumentation.openai:OpenAIInstrumentor",
    "openllmetry-openai": "opentelemetry.instrumentation.openai:OpenAIInstrumentor",
    "openinference-anthropic": "openinference.instrumentation.anthropic:AnthropicInstrumentor",
    "openllmetry-anthropic": "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
}
ASKED = [{"role": "user", "content": "Hi"}]


def main(name: str, url: str, file: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "desk"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    module, attribute = INSTRUMENTORS[name].split(":")
    getattr(importlib.import_module(module), attribute)().instrument(tracer_provider=provider)
    (call_openai if name.endswith("openai") else call_anthropic)(url)
    file.write_bytes(encode_spans(exporter.get_finished_spans()).SerializeToString())


def call_openai(url: str) -> None:
    import openai

    client = openai.OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0)
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "messages": ASKED}
    for _ in range(2):
        client.chat.completions.create(**asked)
    list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))


def call_anthropic(url: str) -> None:
    import anthropic

    client = anthropic.Anthropic(api_key="none", base_url=url, max_retries=0)
    asked: dict[str, Any] = {"model": "claude-sonnet-4-5", "messages": ASKED, "max_tokens": 9}
    for _ in range(2):
        client.messages.create(**asked)
    list(client.messages.create(**asked, stream=True))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
