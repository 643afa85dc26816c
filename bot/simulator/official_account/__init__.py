"""The Official Account, on a host of its own (protocol sheet, section 10)."""
