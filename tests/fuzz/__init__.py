"""Fuzzing: sends malformed and unusual input to every place that takes data, and checks what the services do.

``python -m tests.fuzz`` (``make fuzz``) starts a system of its own on 127.0.0.1. Generators are pure functions of a
``random.Random``; cases are values that can be written to a file and run again.
"""
