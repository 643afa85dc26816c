"""The fault laboratory: what people send while everything breaks, and the audit of what became of it."""
