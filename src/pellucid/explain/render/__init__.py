"""The renderers: each prints a derivation's tree and computes nothing.

To add one: a Writer (see `base`) that spells formulas, and a function that lays the tree out.
"""
