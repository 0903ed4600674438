"""How a node comes to hold a chain that it did not see.

`snapshots.py` takes and gives snapshots; `joining.py` fetches one and `installing.py` puts it in place. After that a
node that does not vote goes on by `following.py`. A voter that fell behind takes what it lacks by `catching_up.py`
before it starts. `recovering.py` is for the day on which a majority is lost for good.
"""
