"""Working with policies before and after they are published: checking, trying, comparing, replaying, explaining."""
