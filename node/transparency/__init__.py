"""What the chain shows to strangers with standard tools: COSE receipts, signed notes, registered statements.

All that is signed here is of final, certified headers.
"""
