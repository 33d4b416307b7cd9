"""Fuzzer: sends malformed and unusual input to every interface of the services, and checks how they respond.

``python -m tests.fuzz`` (``make fuzz``) starts its own services on 127.0.0.1. Generators are pure functions of a
``random.Random``; cases are values that can be written to a file and replayed.
"""
