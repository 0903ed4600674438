"""Content: pictures' bytes, addressed by CID, replicated between members, encrypted before storage if confidential."""
