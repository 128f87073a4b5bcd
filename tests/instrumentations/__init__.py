"""Real instrumentations, driven against a provider's API that answers here and knows what it billed."""
