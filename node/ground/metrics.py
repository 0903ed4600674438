"""What Prometheus sees at `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HEIGHT = Gauge("remarque_height", "Height of the newest final block")
LEADING = Gauge("remarque_leading", "1 while this node leads")
TRANSACTIONS = Counter("remarque_transactions_committed", "Transactions committed, whatever their outcome")
QUARANTINED = Counter("remarque_transactions_quarantined", "Transactions that break execution")
REFUSED = Counter("remarque_refusals", "Requests refused, by code", ["code"])
CONNECTIONS_REFUSED = Counter("remarque_connections_refused", "Connections closed since too many are open", ["port"])
PICTURES_DECODED = Counter(
    "remarque_pictures_decoded", "Pictures that a process decoded or refused, by lane and answer", ["lane", "answer"]
)
DEPOT_UP = Gauge("remarque_depot_up", "1 while a depot does what it is asked", ["depot"])
COPIES_LOST = Counter(
    "remarque_copies_lost", "Copies that were not what they had been when they were read again", ["depot"]
)
MEMPOOL = Gauge("remarque_mempool_transactions", "Transactions that wait")
PEERS = Gauge("remarque_peers_connected", "Peers this node can send to")
SYNC_SECONDS = Histogram(
    "remarque_log_sync_seconds",
    "Synced writes of the Raft log",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
LOOP_STALL = Histogram(
    "remarque_loop_stall_seconds",
    "How late the event loop came back",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
COMMIT_SECONDS = Histogram(
    "remarque_submit_to_receipt_seconds",
    "From taking a transaction to its receipt",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
