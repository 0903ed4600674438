"""Consensus: Raft without I/O. It orders opaque entries and cannot look inside one.

One door: `Replica.step(input) -> list[Output]`. Time is ticks, chance is a seed; what the network and the disk did
arrives as inputs. The driver that performs the outputs has five duties:

1. Perform the outputs of one step in order, each whole before the next, and all before the next step.
2. `Persist` executes its entries, then writes term, vote, truncation and entries in *one* batch, which is durable
   before the next output is performed. If it has entries, the very next input answers it: `Persisted`, or
   `EntryRefused` if one may not be accepted; then that one and what follows it are not written. Nothing else is
   promised of slow storage: a replica whose disk hangs, hangs.
3. What may leave before the disk has written stands before the `Persist`, what attests to what is written after it. An
   `Acknowledge` carries the node's endorsement of each entry of its *current* term that it covers, and of no other: an
   entry of an older term becomes final through a descendant (the two-certificates trap of commit by signatures).
4. A message is authenticated, and every endorsement in it verified, before it is received here.
5. `Certify` and `CheckCertificate` are answered with `Certified` once the certificate is built or verified. Only then
   is anything committed: `Deliver(i)` says that entry i and all below it are final.
"""
