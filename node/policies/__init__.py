"""Working with policies before and after they are published: checking, trying, comparing, replaying, explaining.

All of it reads; a policy comes into force by a transaction like any other.
"""
