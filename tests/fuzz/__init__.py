"""Garbage thrown at what the outside can reach."""
