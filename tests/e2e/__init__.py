"""Tests of the Compose stack, as a user starts it. They need a Docker engine with Compose."""
