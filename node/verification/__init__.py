"""What the chain knows about a picture that anybody brings.

It reads the state and an index of image codes, which it keeps in memory. Nothing here records anything.
"""
