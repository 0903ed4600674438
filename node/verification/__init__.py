"""What the chain knows about a picture that anybody brings. Nothing here records anything."""
