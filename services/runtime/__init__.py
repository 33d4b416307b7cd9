"""What every process shares: settings, logs, metrics, health, problems, a clean stop."""
