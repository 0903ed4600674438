"""Content at this node: files as blocks under content ids, and the openings of prompts.

What is kept here is checked against its id. Nothing here speaks to other nodes, or decides who may read.
"""
