"""Content Credentials (C2PA): certificates and time-stamps of a consortium, manifests it signs, how they are read."""
