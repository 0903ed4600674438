"""A consortium on one machine: real node processes, each with its own directory, key and ports."""
