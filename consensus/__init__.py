"""Consensus: Raft without I/O. It orders opaque entries and cannot look inside one.

One door: `Replica.step(input) -> list[Output]`. Time is ticks, chance is a seed; what the network and the disk did
arrives as inputs. The driver that performs the outputs has five duties:

1. Perform the outputs of one step in order, before the next step.
2. `Persist` writes term, vote, truncation and entries in *one* durable batch, then answers `Persisted` with its number;
   or `Refused` if an entry may not be accepted. Entries of a `Persist` are executed before they are made durable.
3. `Send` may leave at once. `SendAfter(n)` and `Acknowledge` leave only once `Persist` n is durable. An `Acknowledge`
   carries the node's endorsement of each entry of its *current* term that it covers, and of no other: an entry of an
   older term becomes final through a descendant (the two-certificates trap of commit by signatures).
4. A message is authenticated, and every endorsement in it verified, before it is received here.
5. `Certify` and `CheckCertificate` are answered with `Certified` once the certificate is built or verified. Only then
   is anything committed: `Deliver(i)` says that entry i and all below it are final.
"""
