"""What every room stands on: settings, log lines, metrics, waiting for changes.

Nothing here knows what a chain is.
"""
