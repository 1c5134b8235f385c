"""Tests of what stands between us and a provider."""
