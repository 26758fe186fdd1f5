"""Understanding callers: engines, voice activity, decision, and the processes that do it beside the calls."""
