"""Which names may a model have in a price list? From the one that a call gave to plainer ones. Pure.

A list names a model as its maker does; calls name it as their host does: with a region and a revision on
Bedrock, with a publisher and `@` before the date on Vertex, with a maker before a slash behind a gateway.
Each name is tried before what is left of it, so that a snapshot with a price of its own keeps it.
"""

import re

# OpenTelemetry's provider names -> genai-prices' ids, where they differ.
PROVIDER_IDS = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
    "together_ai": "together",
    "hugging_face": "huggingface",
}
# What gateways put before a model's name -> who bills.
PREFIXES = {
    "azure": "azure",
    "azure_ai": "azure",
    "bedrock": "aws",
    "vertex_ai": "google",
    "gemini": "google",
    "anthropic": "anthropic",
    "openai": "openai",
    "openrouter": "openrouter",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "groq": "groq",
    "fireworks_ai": "fireworks",
    "together_ai": "together",
    "xai": "x-ai",
    "cohere": "cohere",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
}
# End of the host that was called -> who bills.
HOSTS: tuple[tuple[str, str], ...] = (
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    (".models.ai.azure.com", "azure"),
    (".amazonaws.com", "aws"),
    ("aiplatform.googleapis.com", "google"),
    ("generativelanguage.googleapis.com", "google"),
    ("api.anthropic.com", "anthropic"),
    ("api.openai.com", "openai"),
    ("openrouter.ai", "openrouter"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.mistral.ai", "mistral"),
    ("api.x.ai", "x-ai"),
    ("api.together.xyz", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cohere.com", "cohere"),
    ("api.perplexity.ai", "perplexity"),
)
_REGION = re.compile(r"(?:us|us-gov|eu|apac|ap|au|jp|ca|sa|global)\.")
_MAKER = re.compile(r"(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer)\.")
_REVISION = re.compile(r"(?:-v\d+)?:\d+$|-v\d+$")
_DATE = re.compile(r"[-@](?:20\d{2}-?[01]\d-?[0-3]\d)$")
_CHANNEL = re.compile(r"-(?:latest|preview)$|:(?:beta|nitro|floor|thinking|extended)$")
_LOOSE = re.compile(r"(?<=\d)[.](?=\d)")
_TIGHT = re.compile(r"(?<=\d)-(?=\d(?:-|$))")


def provider_of(provider_name: str | None, server_address: str | None, model: str) -> str | None:
    """The id of who bills, as genai-prices has it.

    A host of Azure decides against `openai`: that is what many clients say who call OpenAI's models there.
    Where nobody says, what stands before the model's name does (`bedrock/...`).
    """
    by_host = host_provider(server_address) if server_address else None
    if by_host is not None and (provider_name is None or (by_host == "azure" and provider_name == "openai")):
        return by_host
    if provider_name:
        return PROVIDER_IDS.get(provider_name, provider_name)
    before, slash, _ = model.lower().partition("/")
    return PREFIXES.get(before) if slash else None


def host_provider(server_address: str) -> str | None:
    host = server_address.lower().split("//", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0].rstrip(".")
    for end, provider in HOSTS:
        if host.endswith(end):
            return provider
    return None


def candidates(model: str) -> list[str]:
    """Names to try, the one given first; lower case."""
    name = model.strip().lower()
    if name.startswith("ft:"):
        return [name]  # a fine-tuned model has a price of its own
    found = [name]
    if name.startswith("arn:"):
        found.append(name := name.rsplit("/", 1)[-1])
    while "/" in name:
        name = name.split("/", 1)[1]
        found.append(name)
    if match := _REGION.match(name):
        found.append(name := name[match.end() :])
    if match := _MAKER.match(name):
        found.append(name := name[match.end() :])
    for pattern in (_REVISION, _CHANNEL, _DATE, _CHANNEL):
        if (shorter := pattern.sub("", name)) != name and shorter:
            found.append(name := shorter)
    if "@" in model:
        found[1:1] = [one.replace("@", "-") for one in list(found) if "@" in one]
    spelled = [_LOOSE.sub("-", name), _TIGHT.sub(".", name)]
    return list(dict.fromkeys([*found, *spelled]))
