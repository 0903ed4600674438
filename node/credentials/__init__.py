"""What a node signs for pictures: manifests of what it recorded, and time-stamps for anybody.

`key_files.py` reads what it signs with, `sealing.py` signs once a record is final, `manifest_store.py` keeps what was
signed, and `released.py` gives the file with it.
"""
