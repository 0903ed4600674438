"""Key files: an Ed25519 seed in clear or under a passphrase, readable by its owner only."""
