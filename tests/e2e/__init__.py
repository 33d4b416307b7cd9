"""Tests of the Compose stack. They require a Docker engine with Compose."""
