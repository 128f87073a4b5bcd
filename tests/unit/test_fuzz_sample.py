"""A sample of what ``make fuzz`` does with 200,000 payloads."""

import pytest

from tests.fuzz.run import GROUP, Fuzzer


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_broken_payloads_become_steps_or_dead_letters_with_a_reason(seed: int) -> None:
    fuzzer = Fuzzer(seed)
    for _ in range(1_000 // GROUP):
        fuzzer.group(GROUP)
    findings = fuzzer.findings
    assert findings.broken == []
    for outcome in ("steps", "contents", "invalid_json", "invalid_event", "invalid_protobuf", "invalid_span"):
        assert findings.outcomes[outcome], f"the sample has {outcome}"
