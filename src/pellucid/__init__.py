"""Pellucid: glass-box backpropagation."""
