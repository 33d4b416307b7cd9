"""API keys, rate limits and CORS."""
