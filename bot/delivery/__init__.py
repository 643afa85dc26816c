"""From a notice row to its channel."""
