"""The API's values: every body that a node takes, and every answer that it gives, once for node and client.

A module for each family of routes. What is a value of the ledger already (a receipt, an asset's record, the genesis)
is answered as it is and defined there. Units: `_ms` is milliseconds since 1970 by block time, `_ppm` parts of a
million, an amount or a price an integer of the currency's minor units, a height the place of a block in the chain.
"""
