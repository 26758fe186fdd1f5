"""The condition language, one for flows and routing: parse, check against a scope, ask."""
