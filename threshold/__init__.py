"""A key that nobody holds alone: made together, opened by so many of its holders, and shared anew among others.

The way of a key through this package, which docs/threshold.md tells with formulas and proofs:

1. Every node that is to hold a share has a `HolderKey`, and `check_holder_key` says whether it is its own (holder).
2. A `Ceremony` says what is made: of how many holders how many open. Each dealer deals once; everybody checks each
   `Dealing`, judges each `Complaint`, and leaves out who lied (dealing, complaint).
3. `conclude` gives everybody the `ThresholdKey`, `secret_share` every holder its part. When the holders change, the
   same messages with the `former` key give it new ones, and the key stays.
4. Whoever has a key to keep encapsulates it for a label; the `Capsule` lies in the open (encapsulation).
5. A holder that is told to gives its `DecryptionShare`, with a proof, sealed to one reader (sealing). The reader checks
   each share, and combines t of them.

All of it is a pure function of its arguments, and chance is one of them. Whatever is read is checked as it is read, and
refused with `ThresholdError`. Who may be told, when, and by whom, is not known here.
"""

from threshold.ceremony import Ceremony
from threshold.complaint import Complaint, complain, judge
from threshold.dealing import Dealing, check_dealing, conclude, deal, open_share, secret_share
from threshold.encapsulation import (
    Capsule,
    DecryptionShare,
    check_capsule,
    check_share,
    combine,
    decryption_share,
    encapsulate,
)
from threshold.errors import ThresholdCode, ThresholdError
from threshold.group import Element, Scalar
from threshold.holder import HolderKey, check_holder_key, holder_key
from threshold.key import ThresholdKey
from threshold.sealing import Grounds, ReaderSecret, SealSuite, open_sealed, seal_share, unsealed
from threshold.sharing import threshold_of

__all__ = [
    "Capsule",
    "Ceremony",
    "Complaint",
    "Dealing",
    "DecryptionShare",
    "Element",
    "Grounds",
    "HolderKey",
    "ReaderSecret",
    "Scalar",
    "SealSuite",
    "ThresholdCode",
    "ThresholdError",
    "ThresholdKey",
    "check_capsule",
    "check_dealing",
    "check_holder_key",
    "check_share",
    "combine",
    "complain",
    "conclude",
    "deal",
    "decryption_share",
    "encapsulate",
    "holder_key",
    "judge",
    "open_sealed",
    "open_share",
    "seal_share",
    "secret_share",
    "threshold_of",
    "unsealed",
]
