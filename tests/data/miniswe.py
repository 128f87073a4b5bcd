"""The recorded calls of mini-swe-agent as native events: `python -m tests.data.miniswe OUT.jsonl`."""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.data.place import shared_data

SECOND_NS = 1_000_000_000
FILE = Path("miniswe_gemini3pro") / "llm_calls.public.jsonl.gz"


def read_calls() -> list[dict[str, Any]]:
    """The file's records as they are."""
    with gzip.open(shared_data() / FILE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def make_events() -> Iterator[dict[str, Any]]:
    """One LLM call for each record. Times have whole seconds, and no durations."""
    for call in read_calls():
        run = call["instance_id"]
        yield {
            "event_id": f"{run}-{call['step']:04d}",
            "run_id": run,
            "kind": "llm",
            "operation_name": "chat",
            "step_name": "act",
            "agent_name": "mini-swe-agent",
            "start_time_unix_nano": str(call["created"] * SECOND_NS),
            "provider_name": "gcp.gemini",
            "request_model": call["model"],
            "response_id": call["id"],
            "finish_reasons": [call["finish_reason"]] if call["finish_reason"] else None,
            "input_tokens": call["prompt_tokens"],
            "output_tokens": call["completion_tokens"],
            "cache_read_input_tokens": call["cached_tokens"],
            "reasoning_output_tokens": call["reasoning_tokens"],
        }


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(event) + "\n" for event in make_events())
