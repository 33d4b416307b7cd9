"""Shared by all benchmarks: the running system, cameras, clients, resource usage, tables and charts."""
