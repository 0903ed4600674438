"""Pictures that this node did not make are decoded here, each in a process of its own that can do nothing else.

`lanes.py` says who has places, `process.py` asks, `children.py` is the process that forks, and
`decoding.py` what a child of it does with one picture, under the limits of `confinement.py`.
"""
