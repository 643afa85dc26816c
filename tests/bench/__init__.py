"""Measurements of the promises about speed and memory: `make bench` prints them as a table."""
