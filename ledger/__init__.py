"""What things are and what they do: values, their bytes, and the pure execution of blocks.

Nothing in this package touches a socket, a file, a clock, a source of chance or a log. Read it in this order:
`names` and `encoding` (how a value is spelled), `crypto` (hashes and signatures), `transaction` and `actions` (what
is asked), `block` (what is signed), `merkle_log` and `state_tree` (what is proven), `execution` (what happens),
`receipt` (what a stranger can check).
"""
