"""How a picture's file is laid out: each container in its parts, with what showing the picture needs of each.

What is not needed is told of, so nothing is left out of a file that is not told, nor told of that would stay.
"""
