"""What every room stands on: settings, logs, metrics, waiting for changes. Nothing here knows what a chain is."""
