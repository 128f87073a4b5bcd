"""Emit an AI agent's steps to Kafka.

Example:
    ```
    import wakeline

    emitter = wakeline.Emitter("kafka:9092", agent_name="support")
    with emitter.run(), emitter.llm_call("gpt-4o", "openai") as call:
        call.set(input_tokens=812, output_tokens=97)
    ```
"""

from wakeline.context import continue_run, current_context
from wakeline.emitter import Emitter, Stats
from wakeline.errors import ConfigError
from wakeline.fields import Fields
from wakeline.step import Step

__all__ = ["ConfigError", "Emitter", "Fields", "Stats", "Step", "continue_run", "current_context"]
