"""Content and keys between members: fetching what this node lacks, and releasing keys that the chain has decided on."""
