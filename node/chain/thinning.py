"""Old certificates, thinned: what is kept for ever beside a block has a bound of its own.

Any certified header proves all that lies below it, so of the old certificates one in 16 heights is kept: some 40 bytes
a block. (More apart, a node that follows from genesis could not take the blocks between two of them at once.) Of the
newest 100,000 heights all are kept, for those who go on from a header they have seen; whoever comes later is told the
nearest by HEIGHT_UNCERTIFIED, or compares tiles. The last block of an epoch of voters keeps its certificate.
"""

from __future__ import annotations

import asyncio

from node.chain.chain import Chain
from node.chain.reading import Reading
from node.storage.state_store import CERTIFICATE_SPACING

LOOK_SECONDS = 60.0
KEPT_WHOLE = 100_000
"""Heights below the newest of which every certificate is kept."""


async def thin_certificates(chain: Chain, reading: Reading) -> None:
    """Thin certificates, for ever."""
    while True:
        upto = chain.committed.height - KEPT_WHOLE
        while chain.state.thinned + CERTIFICATE_SPACING <= upto:
            await reading.piece(chain.state.thin, upto, chain.sets.ends())
        await asyncio.sleep(LOOK_SECONDS)
