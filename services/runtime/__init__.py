"""The plumbing that every process has: settings, logs, metrics, health, problems, a clean stop."""
