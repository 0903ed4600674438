"""The node's REST face. Reads are FastAPI routes; the two submit routes are raw ASGI, for speed."""
