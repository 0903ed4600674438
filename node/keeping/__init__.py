"""What operators and auditors do with a chain as a whole: found it, archive it, audit it, back it up, restore it.

Most of it runs beside a node or without one. A running node serves the archive.
"""
