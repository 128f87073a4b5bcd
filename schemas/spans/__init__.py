"""How does a span become an event? The parts of `schemas.span`, one for each thing that is read. Pure."""
